with

anchors as (
    select distinct anchor_ts_ns from {{ ref('int_anchors') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

-- An anchor is a boundary, so that the newest state at or before it is the last of a cell.
int_anchor_ladders as (
    select
        anchors.anchor_ts_ns,
        cells.last_ts_ns as book_source_ts_ns,
        cells.prices,
        cells.sizes
    from anchors
    asof inner join cells on anchors.anchor_ts_ns >= cells.last_ts_ns
)

select * from int_anchor_ladders
order by anchor_ts_ns
