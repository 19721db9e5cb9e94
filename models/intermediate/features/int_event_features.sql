with

events as (
    select * from {{ ref('int_zone_entries') }}
),

kinematics as (
    select * from {{ ref('int_event_kinematics') }}
),

approach as (
    select * from {{ ref('int_event_approach') }}
),

distances as (
    select * from {{ ref('int_event_level_distances') }}
),

ofi as (
    select * from {{ ref('int_event_ofi') }}
),

tape as (
    select * from {{ ref('int_event_tape') }}
),

barrier as (
    select * from {{ ref('int_event_barrier') }}
),

force_mass as (
    select * from {{ ref('int_event_force_mass') }}
),

basis as (
    select * from {{ ref('int_event_basis') }}
),

gamma as (
    select * from {{ ref('int_event_gamma') }}
),

fuel as (
    select * from {{ ref('int_event_fuel') }}
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
        kinematics.position,
        {%- for h in list_var('kinematics_windows_s') %}
        {%- for motion in [
            'velocity', 'acceleration', 'jerk', 'kinetic_energy', 'is_decelerating'
        ] %}
        kinematics.{{ motion }}_{{ h }}s,
        {%- endfor %}
        {%- endfor %}
        approach.* exclude (event_id),
        distances.* exclude (event_id),
        ofi.* exclude (event_id),
        tape.* exclude (event_id),
        barrier.* exclude (event_id),
        force_mass.* exclude (event_id),
        basis.es_spx_basis,
        gamma.* exclude (event_id),
        fuel.* exclude (event_id, option_source_ts_ns),
        chain.* exclude (event_id),
        premiums.* exclude (event_id, option_source_ts_ns),
        greatest(fuel.option_source_ts_ns, premiums.option_source_ts_ns) as option_source_ts_ns
    from events
    left join kinematics using (event_id)
    left join approach using (event_id)
    left join distances using (event_id)
    left join ofi using (event_id)
    left join tape using (event_id)
    left join barrier using (event_id)
    left join force_mass using (event_id)
    left join basis using (event_id)
    left join gamma using (event_id)
    left join fuel using (event_id)
    left join chain using (event_id)
    left join premiums using (event_id)
)

select * from int_event_features
order by event_id
