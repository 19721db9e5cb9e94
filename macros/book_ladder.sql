{#- Formulas over the ten levels of one side (`bid` or `ask`) of a book row. A level without a price
    is unknown and has no size, whatever its size column says. -#}

{#- Whether all ten levels have a price. -#}
{% macro ladder_is_full(side) -%}
    ({% for level in book_levels() %}{{ ' and ' if not loop.first }}{{ side }}_px_{{ level }} is not null{% endfor %})
{%- endmacro %}

{#- Displayed size over levels with a price. -#}
{% macro ladder_size(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ side }}_px_{{ level }} is null, 0, {{ side }}_sz_{{ level }}){% endfor %})
{%- endmacro %}

{#- The same where all levels have a price: whole numbers, which are added faster as doubles. -#}
{% macro full_ladder_size(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}{{ side }}_sz_{{ level }}::double{% endfor %})
{%- endmacro %}

{#- Levels with a price. -#}
{% macro ladder_count(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ side }}_px_{{ level }} is null, 0, 1){% endfor %})
{%- endmacro %}

{#- Displayed size priced in [low, high]; `prefix` names the earlier row of a pair. -#}
{% macro zone_size(side, low, high, prefix='') -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ prefix }}{{ side }}_px_{{ level }} between {{ low }} and {{ high }}, {{ prefix }}{{ side }}_sz_{{ level }}, 0){% endfor %})
{%- endmacro %}

{#- The columns of the ten levels, best first: 'bid_px_00', 'ask_px_00', 'bid_sz_00', ... -#}
{% macro ladder_columns() %}
    {%- set names = [] -%}
    {%- for level in book_levels() -%}
        {%- for name in ['bid_px', 'ask_px', 'bid_sz', 'ask_sz'] -%}
            {%- do names.append(name ~ '_' ~ level) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{#- What is in them for one `name` ('px' or 'sz') as a list, in that order; `prefix` names the earlier
    row of a pair. -#}
{% macro ladder_list(name, prefix='') -%}
    [{% for level in book_levels() %}{{ ', ' if not loop.first }}{{ prefix }}bid_{{ name }}_{{ level }}, {{ prefix }}ask_{{ name }}_{{ level }}{% endfor %}]
{%- endmacro %}

{#- Whether any price of a pair is another one than before, or comes or goes. -#}
{% macro ladder_moves() -%}
    ({% for column in ladder_columns() if '_px_' in column %}{{ ' or ' if not loop.first }}{{ column }} is distinct from earlier_{{ column }}{% endfor %})
{%- endmacro %}
