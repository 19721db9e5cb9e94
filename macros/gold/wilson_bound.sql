{#- An end of the 95 % interval of a share of n trials: Wilson (1927), "Probable inference, the law of
    succession, and statistical inference"; `side` is -1 for the lower and 1 for the upper one. -#}
{% macro wilson_bound(share, n, side) -%}
    {%- set z = 1.959963984540054 -%}
    greatest(0, least(1, (
        {{ share }} + {{ z * z / 2 }} / {{ n }}
        + {{ side * z }} * sqrt(
            {{ share }} * (1 - {{ share }}) / {{ n }} + {{ z * z / 4 }} / ({{ n }} * {{ n }})
        )
    ) / (1 + {{ z * z }} / {{ n }})))
{%- endmacro %}
