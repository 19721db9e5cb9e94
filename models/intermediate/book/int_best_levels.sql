{{ config(materialized='view') }}

{#- Literals for the same reason as in int_book_rows: a join would sort the whole book. -#}
{%- set session = first_row(
    ref('int_session'), ['rth_start_ns', 'event_end_ns', 'tick_size_points']
) -%}

with

book as (
    select * from {{ ref('int_book_rows') }}
),

int_best_levels as (
    select
        ts_ns,
        action = 'R' or flags & 32 <> 0 as is_reset,
        round((ask_px_00 - bid_px_00) / {{ session.tick_size_points }})::bigint as spread_ticks,
        round((bid_px_00 + ask_px_00) / {{ session.tick_size_points }})::bigint as mid_half_ticks,
        bid_sz_00 as bid_size,
        ask_sz_00 as ask_size
    from book
    where
        ts_ns >= {{ session.rth_start_ns }}
        and ts_ns <= {{ session.event_end_ns }}
)

select * from int_best_levels
