{#- Bands of strikes beside an event's level, and sums over them, from rows of one event. -#}

{#- Strikes in (level, level + n spacings]. -#}
{% macro strikes_above(n) -%}
    points_above_level > 0 and points_above_level <= {{ n }} * {{ var('strike_spacing') }}
{%- endmacro %}

{#- Strikes in [level - n spacings, level). -#}
{% macro strikes_below(n) -%}
    points_above_level < 0 and points_above_level >= -{{ n }} * {{ var('strike_spacing') }}
{%- endmacro %}

{#- Strikes at most n spacings away, the level's own included. -#}
{% macro strikes_around(n) -%}
    abs(points_above_level) <= {{ n }} * {{ var('strike_spacing') }}
{%- endmacro %}

{#- Sum of what is known in a band, 0 if no strike lies in it; NULL if the quantity is unknown for
    the whole chain. In a fixed order, so that the last digit does not depend on threads. -#}
{% macro band_sum(quantity, band) -%}
    case
        when count({{ quantity }}) > 0
            then coalesce(
                sum({{ quantity }} order by instrument_id) filter ({{ band }}), 0
            )
    end
{%- endmacro %}
