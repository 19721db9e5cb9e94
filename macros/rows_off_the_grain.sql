{#- Keys that several rows of a table share, or that are NULL in part; `tables` are pairs of a relation
    and its key's columns. One query for many tables, because each test of a build has its price. -#}
{% macro rows_off_the_grain(tables) -%}
    {%- for table, columns in tables %}
    select
        '{{ table.name }}' as table_name,
        concat_ws(', ', {{ columns | join(', ') }}) as key,
        count(*) as row_count
    from {{ table }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 or {{ columns | join(' is null or ') }} is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
