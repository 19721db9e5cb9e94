with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

prices as (
    select * from {{ ref('int_front_prices') }}
),

lookups as (
    select
        entries.event_id,
        entries.placebo_nr > 0 as is_placebo,
        entries.dir_sign,
        entries.event_ts_ns,
        offsets.offset_s,
        entries.event_ts_ns + offsets.offset_s * 1000000000::bigint as at_ns
    from entries
    cross join range(-600, 481, 10) as offsets (offset_s)
),

moments as (
    select
        lookups.*,
        prices.ts_ns,
        prices.price,
        coalesce(prices.signed_volume_so_far, 0) as signed_volume_so_far
    from lookups
    asof left join prices on lookups.at_ns >= prices.ts_ns
),

anchors as (
    select
        event_id,
        ts_ns,
        price,
        signed_volume_so_far
    from moments
    where offset_s = 0
),

trade_date as (
    select max(ts_ns) as last_ts_ns
    from prices
),

-- After the last trade of the trade date nothing is known any more.
int_event_paths as (
    select
        moments.event_id,
        moments.offset_s,
        moments.is_placebo,
        case
            when moments.at_ns <= trade_date.last_ts_ns
                then
                    if(
                        moments.dir_sign = 1,
                        moments.price - anchors.price,
                        anchors.price - moments.price
                    )
        end as move,
        case
            when moments.at_ns <= trade_date.last_ts_ns
                then
                    moments.dir_sign
                    * if(moments.offset_s > 0, 1, -1)
                    * (moments.signed_volume_so_far - anchors.signed_volume_so_far)
        end::bigint as signed_volume,
        greatest(moments.ts_ns, anchors.ts_ns) as path_source_ts_ns
    from moments
    inner join anchors using (event_id)
    cross join trade_date
)

select * from int_event_paths
order by event_id, offset_s
