with

events as (
    select * from {{ ref('int_events') }}
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

near_ofi as (
    select * from {{ ref('int_event_near_ofi') }}
),

book_state as (
    select * from {{ ref('int_anchor_book_state') }}
),

depth_profile as (
    select * from {{ ref('int_event_depth_profile') }}
),

tape as (
    select * from {{ ref('int_event_tape') }}
),

sweep_pressure as (
    select * from {{ ref('int_event_sweep_pressure') }}
),

barrier as (
    select * from {{ ref('int_event_barrier') }}
),

replenishment as (
    select * from {{ ref('int_event_replenishment_rates') }}
),

force_mass as (
    select * from {{ ref('int_event_force_mass') }}
),

path_shape as (
    select * from {{ ref('int_event_path_shape') }}
),

basis as (
    select * from {{ ref('int_event_basis') }}
),

gamma as (
    select * from {{ ref('int_event_gamma') }}
),

chain as (
    select * from {{ ref('int_event_chain') }}
),

premiums as (
    select * from {{ ref('int_event_premiums') }}
),

int_event_features as (
    select
        events.event_id,
        events.session_date,
        {{ kinematics_columns('kinematics') }},
        approach.* exclude (anchor_id),
        events.prior_touches,
        distances.* exclude (anchor_id),
        ofi.* exclude (anchor_id, force, mass),
        near_ofi.* exclude (event_id),
        book_state.* exclude (anchor_id),
        depth_profile.* exclude (event_id),
        tape.* exclude (event_id),
        sweep_pressure.* exclude (event_id),
        barrier.* exclude (event_id),
        replenishment.* exclude (event_id),
        force_mass.* exclude (event_id),
        path_shape.* exclude (event_id),
        basis.es_spx_basis,
        gamma.* exclude (event_id, option_source_ts_ns),
        chain.* exclude (event_id),
        premiums.* exclude (event_id, option_source_ts_ns),
        greatest(gamma.option_source_ts_ns, premiums.option_source_ts_ns) as option_source_ts_ns
    from events
    left join kinematics on events.event_id = kinematics.anchor_id
    left join approach on events.event_id = approach.anchor_id
    left join distances on events.event_id = distances.anchor_id
    left join ofi on events.event_id = ofi.anchor_id
    left join near_ofi using (event_id)
    left join book_state on events.event_id = book_state.anchor_id
    left join depth_profile using (event_id)
    left join tape using (event_id)
    left join sweep_pressure using (event_id)
    left join barrier using (event_id)
    left join replenishment using (event_id)
    left join force_mass using (event_id)
    left join path_shape using (event_id)
    left join basis using (event_id)
    left join gamma using (event_id)
    left join chain using (event_id)
    left join premiums using (event_id)
)

select * from int_event_features
order by event_id
