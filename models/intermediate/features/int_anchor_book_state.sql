with

anchors as (
    select * from {{ ref('int_anchors') }}
),

ladders as (
    select * from {{ ref('int_anchor_ladders') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- A level without a price has no size, whatever its size column says.
levels as (
    select
        anchor_ts_ns,
        unnest(range(20)) % 2 = 0 as is_bid,
        unnest(prices) as price,
        unnest(sizes) as size
    from ladders
),

sizes as (
    select
        anchor_ts_ns,
        coalesce(sum(size) filter (is_bid and price is not null), 0) as all_bids,
        coalesce(sum(size) filter (not is_bid and price is not null), 0) as all_asks
    from levels
    group by anchor_ts_ns
),

-- A book that is crossed, or misses a best price, has no state that means anything.
standing as (
    select
        ladders.anchor_ts_ns,
        ladders.prices[1] as bid,
        ladders.prices[2] as ask,
        ladders.sizes[1]::bigint as bid_size,
        ladders.sizes[2]::bigint as ask_size,
        sizes.all_bids,
        sizes.all_asks
    from ladders
    inner join sizes using (anchor_ts_ns)
    where bid < ask and bid_size + ask_size > 0
),

int_anchor_book_state as (
    select
        anchors.anchor_id,
        (standing.ask - standing.bid) / session.tick_size_points as spread_ticks,
        anchors.dir_sign * (standing.bid_size - standing.ask_size)
        / (standing.bid_size + standing.ask_size) as book_imbalance,
        anchors.dir_sign * (standing.all_bids - standing.all_asks)
        / (standing.all_bids + standing.all_asks) as book_imbalance_10,
        anchors.dir_sign * (standing.bid_size - standing.ask_size) * (standing.ask - standing.bid)
        / (2 * (standing.bid_size + standing.ask_size)) as weighted_mid_offset,
        case
            when standing.bid_size > 0 and standing.ask_size > 0
                then
                    (11 * standing.bid_size + standing.ask_size - 1)
                    // (standing.bid_size + standing.ask_size)
        end as imbalance_bucket,
        ladders.book_source_ts_ns
    from anchors
    cross join session
    left join ladders using (anchor_ts_ns)
    left join standing using (anchor_ts_ns)
)

select * from int_anchor_book_state
