{#- Formulas over the ten levels of one side (`bid` or `ask`) of a book row. A level without a price
    is unknown and has no size, whatever its size column says. -#}

{#- Whether all ten levels have a price: a sum with a NULL in it is NULL. -#}
{% macro ladder_is_full(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}{{ side }}_px_{{ level }}{% endfor %}) is not null
{%- endmacro %}

{#- Displayed size over levels with a price. -#}
{% macro ladder_size(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ side }}_px_{{ level }} is null, 0, {{ side }}_sz_{{ level }}){% endfor %})
{%- endmacro %}

{#- The same where all levels have a price. -#}
{% macro full_ladder_size(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}{{ side }}_sz_{{ level }}{% endfor %})
{%- endmacro %}

{#- Levels with a price. -#}
{% macro ladder_count(side) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ side }}_px_{{ level }} is null, 0, 1){% endfor %})
{%- endmacro %}

{#- Displayed size priced in [low, high]; `prefix` names the earlier row of a pair. -#}
{% macro zone_size(side, low, high, prefix='') -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ prefix }}{{ side }}_px_{{ level }} between {{ low }} and {{ high }}, {{ prefix }}{{ side }}_sz_{{ level }}, 0){% endfor %})
{%- endmacro %}

{#- Levels priced in [low, high]. -#}
{% macro zone_count(side, low, high) -%}
    ({% for level in book_levels() %}{{ ' + ' if not loop.first }}if({{ side }}_px_{{ level }} between {{ low }} and {{ high }}, 1, 0){% endfor %})
{%- endmacro %}

{#- One side's part of the order flow imbalance of a pair at one level (Cont, Kukanov and Stoikov
    2014): the later size if the price got better or stayed, less the earlier one if it got worse or
    stayed; 0 where either price is unknown. Better is higher for bids and lower for asks. -#}
{% macro ofi_side(side, level) -%}
    {%- set better, worse = ('>', '<') if side == 'bid' else ('<', '>') -%}
    case
        when {{ side }}_px_{{ level }} = earlier_{{ side }}_px_{{ level }}
            then {{ side }}_sz_{{ level }} - earlier_{{ side }}_sz_{{ level }}
        when {{ side }}_px_{{ level }} {{ better }} earlier_{{ side }}_px_{{ level }}
            then {{ side }}_sz_{{ level }}
        when {{ side }}_px_{{ level }} {{ worse }} earlier_{{ side }}_px_{{ level }}
            then -earlier_{{ side }}_sz_{{ level }}
        else 0
    end
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

{#- The same part weighted by how near its price lies to the event's level. -#}
{% macro near_level_ofi(side, level) -%}
    case
        when ({{ ofi_side(side, level) }}) <> 0
            then
                exp(-abs({{ side }}_px_{{ level }} - level_price) / {{ var('ofi_near_level_scale') }})
                * ({{ ofi_side(side, level) }})
        else 0
    end
{%- endmacro %}
