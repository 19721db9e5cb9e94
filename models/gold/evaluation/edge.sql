{{ config(schema='scores') }}

with

trades as (
    select * from {{ ref('int_event_trades') }}
),

candidates as (
    select * from {{ ref('int_candidates') }}
),

by_session as (
    select
        candidate_nr,
        session_date,
        count(*) as events,
        count_if(is_traded)::bigint as acted,
        ({{ exact_sum('net_points') }} filter (where is_traded))::double as net_points
    from trades
    group by candidate_nr, session_date
),

totals as (
    select
        candidate_nr,
        sum(events)::bigint as events,
        count(*) as sessions,
        sum(acted)::bigint as acted,
        sum(net_points order by session_date) / nullif(sum(acted), 0) as mean_net_points,
        list(net_points order by session_date) filter (where acted > 0) as sums,
        list(acted order by session_date) filter (where acted > 0) as sizes
    from by_session
    group by candidate_nr
),

edge as (
    select
        candidates.run_id,
        candidates.target,
        candidates.model,
        candidates.feature_set,
        totals.events,
        totals.sessions,
        totals.acted,
        totals.mean_net_points,
        totals.mean_net_points
        / nullif({{ clustered_error('sums', 'sizes', 'mean_net_points', 'acted') }}, 0) as t
    from totals
    inner join candidates using (candidate_nr)
)

select * from edge
order by run_id, target, model, feature_set
