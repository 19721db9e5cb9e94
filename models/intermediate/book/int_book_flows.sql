with

moves as (
    select * from {{ ref('int_book_moves') }}
),

seconds as (
    select * from {{ ref('int_book_seconds') }}
),

with_previous as (
    select
        *,
        lag(sizes) over (order by row_nr) as previous_sizes
    from moves
),

levels as (
    select
        {{ book_cell_nr('with_previous.ts_ns') }} as cell_nr,
        with_previous.is_pair,
        unnest(range(20)) % 2 = 0 as is_bid,
        unnest(range(20)) // 2 as level,
        unnest(with_previous.prices) as price,
        unnest(with_previous.sizes) as size,
        unnest(with_previous.earlier_prices) as earlier_price,
        unnest(with_previous.earlier_sizes) as earlier_size,
        unnest(with_previous.previous_sizes) as previous_size
    from with_previous
    inner join seconds on with_previous.ts_ns // 1000000000 = seconds.second
),

-- From the move before to the state before this one no price changed: what the pairs of that
-- stretch add up to is the change of the size.
gains as (
    select
        cell_nr,
        is_bid,
        level,
        earlier_price as price,
        earlier_size - previous_size as gain,
        earlier_size - previous_size as volume_gain
    from levels
    where earlier_price is not null
    union all
    -- The flow of a pair at one level (Cont, Kukanov and Stoikov 2014): the later size if the price
    -- got better or stayed, less the earlier one if it got worse or stayed. Better is higher for
    -- bids and lower for asks; nothing is known where either price is missing.
    select
        cell_nr,
        is_bid,
        level,
        price,
        case
            when price = earlier_price then size - earlier_size
            when (price > earlier_price) = is_bid then size
            else -earlier_size
        end as gain,
        -- The volume order imbalance (Shen 2015) does not count a queue that was left behind.
        case
            when price = earlier_price then size - earlier_size
            when (price > earlier_price) = is_bid then size
            else 0
        end as volume_gain
    from levels
    where is_pair and price is not null and earlier_price is not null
),

-- Sums of whole numbers, which no order of rows can change.
int_book_flows as (
    select
        cell_nr,
        is_bid,
        level,
        price,
        sum(if(is_bid, gain, -gain)) as flow,
        sum(if(is_bid, volume_gain, -volume_gain)) as volume_flow
    from gains
    where gain <> 0 or volume_gain <> 0
    group by all
)

select * from int_book_flows
order by cell_nr, level, is_bid, price
