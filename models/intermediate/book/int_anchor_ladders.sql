with

anchors as (
    select distinct anchor_ts_ns from {{ ref('int_anchors') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

moves as (
    select * from {{ ref('int_book_moves') }}
),

-- The newest state at or before an anchor ends a cell, and those states are all among the moves.
last_times as (
    select
        anchors.anchor_ts_ns,
        cells.last_ts_ns as book_source_ts_ns
    from anchors
    asof inner join cells on anchors.anchor_ts_ns >= cells.last_ts_ns
),

int_anchor_ladders as (
    select
        last_times.anchor_ts_ns,
        last_times.book_source_ts_ns,
        last(moves.prices order by moves.row_nr) as prices,
        last(moves.sizes order by moves.row_nr) as sizes
    from last_times
    inner join moves on last_times.book_source_ts_ns = moves.ts_ns
    group by all
)

select * from int_anchor_ladders
order by anchor_ts_ns
