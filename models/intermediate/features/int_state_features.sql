with

session as (
    select * from {{ ref('int_session') }}
),

states as (
    select * from {{ ref('int_level_states') }}
),

kinematics as (
    select * from {{ ref('int_anchor_kinematics') }}
),

approach as (
    select * from {{ ref('int_anchor_approach') }}
),

distances as (
    select * from {{ ref('int_anchor_level_distances') }}
),

ofi as (
    select * from {{ ref('int_anchor_ofi') }}
),

book_state as (
    select * from {{ ref('int_anchor_book_state') }}
),

int_state_features as (
    select
        states.state_id,
        session.session_date,
        states.tau_ns,
        states.level_kind,
        states.level_price,
        states.dir_sign,
        states.spot,
        states.dir_sign * (states.level_price - states.spot) as distance,
        {{ kinematics_columns('kinematics') }},
        approach.* exclude (anchor_id),
        distances.* exclude (anchor_id),
        states.atr,
        states.rth_volatility,
        ofi.* exclude (anchor_id, force, mass),
        book_state.* exclude (anchor_id, imbalance_bucket),
        ofi.force,
        ofi.mass,
        states.trade_source_ts_ns
    from states
    cross join session
    left join kinematics on states.state_id = kinematics.anchor_id
    left join approach on states.state_id = approach.anchor_id
    left join distances on states.state_id = distances.anchor_id
    left join ofi on states.state_id = ofi.anchor_id
    left join book_state on states.state_id = book_state.anchor_id
)

select * from int_state_features
order by tau_ns, level_kind
