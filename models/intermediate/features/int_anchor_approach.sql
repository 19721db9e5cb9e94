with

anchors as (
    select * from {{ ref('int_anchors') }}
),

bars as (
    select * from {{ ref('int_bars_1m') }}
),

lookback as (
    select
        anchors.anchor_id,
        anchors.dir_sign,
        bars.bar_end_ns,
        bars.close,
        bars.close - lag(bars.close) over (
            partition by anchors.anchor_id order by bars.bar_end_ns
        ) as change
    from anchors
    inner join bars
        on
            anchors.anchor_ts_ns - {{ var('approach_lookback_minutes') }} * 60000000000
            < bars.bar_end_ns
            and anchors.anchor_ts_ns >= bars.bar_end_ns
),

-- The run of latest bars that came closer begins after the last one that did not.
last_step_away as (
    select
        anchor_id,
        max(bar_end_ns) as bar_end_ns
    from lookback
    where change is null or dir_sign * change <= 0
    group by anchor_id
),

approaches as (
    select
        lookback.anchor_id,
        any_value(lookback.dir_sign) as dir_sign,
        count(*) as bar_count,
        arg_min(lookback.close, lookback.bar_end_ns) as first_close,
        arg_max(lookback.close, lookback.bar_end_ns) as last_close,
        (max(lookback.bar_end_ns) - min(lookback.bar_end_ns)) / 60e9 as minutes,
        count(*) filter (lookback.bar_end_ns > last_step_away.bar_end_ns) as approach_bars,
        max(lookback.bar_end_ns) as bar_source_ts_ns
    from lookback
    inner join last_step_away using (anchor_id)
    group by lookback.anchor_id
),

int_anchor_approach as (
    select
        anchors.anchor_id,
        case
            when approaches.bar_count >= 2
                then
                    approaches.dir_sign
                    * (approaches.last_close - approaches.first_close)
                    / approaches.minutes
        end as approach_velocity,
        coalesce(approaches.approach_bars, 0) as approach_bars,
        abs(approaches.last_close - approaches.first_close) as approach_distance,
        approaches.bar_source_ts_ns
    from anchors
    left join approaches using (anchor_id)
)

select * from int_anchor_approach
