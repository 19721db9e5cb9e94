{#- A query for every state of the book in `rows` beside the one before it there, whose columns begin
    with `earlier_`. It streams in file order, which the gate files_lie_in_time_order proves to be the
    order of time: an ordered window over a full day would need ten times the memory. -#}
{% macro book_pairs(rows) %}
-- A clear or a snapshot row is no change of the market; neither is the step away from it.
marked as (
    select
        ts_ns,
        row_nr,
        action = 'R' or flags & 32 <> 0 as is_reset,
        {%- for column in ladder_columns() %}
        {{ column }}::double as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ rows }}
),

paired as (
    select
        ts_ns,
        row_nr,
        coalesce(not is_reset and not lag(is_reset) over (), false) as is_pair,
        {%- for column in ladder_columns() %}
        {{ column }},
        lag({{ column }}) over () as earlier_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from marked
)
{%- endmacro %}
