with

pairs as (
    select * from {{ ref('int_book_pairs') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

-- The newest state of every cell is kept as well, so that no stretch between two rows of this table
-- reaches over the end of a cell.
int_book_moves as (
    select
        ts_ns,
        row_nr,
        is_pair,
        {{ ladder_list('px') }} as prices,
        {{ ladder_list('sz') }} as sizes,
        {{ ladder_list('px', 'earlier_') }} as earlier_prices,
        {{ ladder_list('sz', 'earlier_') }} as earlier_sizes
    from pairs
    where
        not is_pair
        or {{ ladder_moves() }}
        or ts_ns in (select cells.last_ts_ns from cells)
)

select * from int_book_moves
order by row_nr
