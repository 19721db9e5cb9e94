with

events as (
    select * from {{ ref('int_events') }}
),

ofi as (
    select * from {{ ref('int_anchor_ofi') }}
),

fits as (
    select * from {{ ref('int_force_mass_fits') }}
),

kinematics as (
    select * from {{ ref('int_anchor_kinematics') }}
),

forces as (
    select
        events.event_id,
        events.event_ts_ns,
        ofi.force,
        ofi.mass
    from events
    inner join ofi on events.event_id = ofi.anchor_id
),

fitted as (
    select
        forces.*,
        forces.force / nullif(forces.mass, 0) as force_mass_ratio,
        coalesce(fits.acceleration_k, {{ var('force_mass_scale') }}::double) as force_mass_k,
        fits.acceleration_r2 as force_mass_r2,
        fits.velocity_k as force_mass_velocity_k,
        fits.velocity_r2 as force_mass_velocity_r2
    from forces
    asof left join fits on forces.event_ts_ns >= fits.mark_ns
),

int_event_force_mass as (
    select
        fitted.event_id,
        fitted.force,
        fitted.mass,
        fitted.force_mass_ratio,
        fitted.force_mass_k * fitted.force_mass_ratio as predicted_accel,
        kinematics.acceleration_60s - fitted.force_mass_k * fitted.force_mass_ratio
            as accel_residual,
        fitted.force_mass_k,
        fitted.force_mass_r2,
        fitted.force_mass_velocity_k * fitted.force_mass_ratio as predicted_velocity,
        kinematics.velocity_60s - fitted.force_mass_velocity_k * fitted.force_mass_ratio
            as velocity_residual,
        fitted.force_mass_velocity_k,
        fitted.force_mass_velocity_r2
    from fitted
    inner join kinematics on fitted.event_id = kinematics.anchor_id
)

select * from int_event_force_mass
