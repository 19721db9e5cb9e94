{{ config(materialized='view') }}

{#- Literals, because a join would end the streaming of this view in file order, and because a
    literal time lets the scan skip row groups. -#}
{%- set span = first_row(ref('int_book_span'), ['front_month', 'from_ns', 'to_ns']) -%}

with

book as (
    select * from {{ ref('stg_databento__futures_mbp10') }}
),

int_book_rows as (
    select
        ts_ns,
        row_nr,
        action,
        action = 'R' or flags & 32 <> 0 as is_reset,
        {%- for level in book_levels() %}
        bid_px_{{ level }},
        ask_px_{{ level }},
        bid_sz_{{ level }},
        ask_sz_{{ level }}{{ ',' if not loop.last }}
        {%- endfor %}
    from book
    where
        symbol = {{ span.front_month }}  -- noqa: CV05
        and trade_date = date '{{ session_date() }}'
        and ts_ns >= {{ span.from_ns }}
        and ts_ns <= {{ span.to_ns }}
        and {{ is_book_state('book') }}
)

select * from int_book_rows
