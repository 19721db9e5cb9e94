with

session as (
    select * from {{ ref('int_session') }}
),

kinds as (
    select * from {{ ref('int_level_kinds') }}
),

levels as (
    select * from {{ ref('int_levels') }}
),

volatility as (
    select * from {{ ref('int_rth_volatility') }}
),

minutes as (
    select unnest(range(rth_start_ns, event_end_ns + 1, 60000000000)) as minute_ns
    from session
    where has_rth
),

minute_volatility as (
    select
        minutes.minute_ns,
        volatility.atr,
        volatility.rth_volatility
    from minutes
    asof left join volatility on minutes.minute_ns >= volatility.bar_end_ns
),

-- Levels and bars only change on whole minutes, so what holds at a minute's start holds in it.
int_level_minutes as (
    select
        minute_volatility.minute_ns,
        kinds.level_kind,
        levels.level_price,
        minute_volatility.atr,
        minute_volatility.rth_volatility,
        greatest(
            {{ var('zone_min_width') }}::double,
            coalesce({{ var('zone_atr_multiple') }} * minute_volatility.atr, 0)
        ) as zone_width
    from minute_volatility
    cross join kinds
    left join levels
        on
            kinds.level_kind = levels.level_kind
            and minute_volatility.minute_ns >= levels.valid_from_ns
            and minute_volatility.minute_ns < levels.valid_to_ns
)

select * from int_level_minutes
order by minute_ns, level_kind
