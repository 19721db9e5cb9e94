{{ config(schema='gold') }}

with

entries as (
    select * from {{ ref('int_event_values') }}
),

labels as (
    select * from {{ ref('stg_silver__level_event_labels') }}
),

params as (
    select * from {{ ref('gold_params') }}
),

event_outcomes as (
    select
        entries.event_id,
        entries.session_date,
        entries.event_ts_ns,
        entries.event_ts_ns + (60000000000 * params.horizon_minutes)::bigint as label_end_ns,
        entries.level_kind,
        entries.level_family,
        entries.direction,
        entries.session_phase::bigint as session_phase,
        entries.minutes_since_open,
        entries.dir_sign::bigint as dir_sign,
        entries.level_price,
        entries.spot,
        entries.dir_sign * (entries.spot - entries.level_price) as position_points,
        labels.future_price,
        params.outcome_threshold as barrier_points_fixed,
        labels.scaled_barrier_050 as barrier_points_scaled_050,
        labels.scaled_barrier_100 as barrier_points_scaled,
        labels.uniqueness,
        labels.mfe_atr,
        labels.mae_atr,
        if(labels.outcome = 'BREAK', labels.time_to_break_2, labels.time_to_bounce_2)
            as time_fixed_s,
        labels.scaled_time_050,
        labels.scaled_time_100 as scaled_time
    from entries
    inner join labels using (event_id)
    cross join params
)

select * from event_outcomes
order by event_id
