with

cells as (
    select * from {{ ref('int_book_cells') }}
),

parts as (
    select
        cell_nr,
        unnest(flows) as part
    from cells
),

-- Sums of whole numbers, which no order of rows can change.
int_book_flows as (
    select
        cell_nr,
        part.is_bid,
        part.level,
        part.price,
        sum(part.flow) as flow,
        sum(part.volume_flow) as volume_flow
    from parts
    group by all
    having sum(part.flow) <> 0 or sum(part.volume_flow) <> 0
)

select * from int_book_flows
order by cell_nr, level, is_bid, price
