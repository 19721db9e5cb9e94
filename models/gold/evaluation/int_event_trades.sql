{%- set barriers = {
    'scaled': 'barrier_points_scaled',
    'scaled_050': 'barrier_points_scaled_050',
    'fixed': 'barrier_points_fixed',
} -%}

with

predictions as (
    select * from {{ ref('stg_research__predictions') }}
),

candidates as (
    select * from {{ ref('int_candidates') }}
    where
        target in (
            {%- for target in barriers %}
            '{{ target }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
),

targets as (
    select * from {{ ref('stg_gold__event_targets') }}
),

outcomes as (
    select * from {{ ref('stg_gold__event_outcomes') }}
),

predicted as (
    select
        candidates.candidate_nr,
        candidates.target,
        predictions.event_id,
        max(predictions.p) filter (where predictions.class = 'BREAK') as p_break,
        max(predictions.p) filter (where predictions.class = 'BOUNCE') as p_bounce
    from predictions
    inner join candidates using (run_id, target, model, feature_set)
    group by candidates.candidate_nr, candidates.target, predictions.event_id
),

-- Points from where the price stands, not from the level, in the direction of approach.
paid as (
    select
        predicted.*,
        targets.class,
        outcomes.session_date,
        outcomes.dir_sign * (outcomes.future_price - outcomes.spot) as move_points,
        case predicted.target
            {%- for target, barrier in barriers.items() %}
            when '{{ target }}' then outcomes.{{ barrier }}
            {%- endfor %}
        end as barrier_points,
        outcomes.position_points
    from predicted
    inner join targets using (event_id, target)
    inner join outcomes using (event_id)
),

expected as (
    select
        *,
        p_break * (barrier_points - position_points)
        - p_bounce * (barrier_points + position_points) as expected_points,
        case class
            when 'BREAK' then barrier_points - position_points
            when 'BOUNCE' then -(barrier_points + position_points)
            else move_points
        end as paid_points
    from paid
),

-- What is expected to pay for the trade is traded.
int_event_trades as (
    select
        candidate_nr,
        event_id,
        session_date,
        expected_points,
        abs(expected_points) > {{ var('cost_points') }} as is_traded,
        sign(expected_points) * paid_points - {{ var('cost_points') }} as net_points
    from expected
)

select * from int_event_trades
order by candidate_nr, event_id
