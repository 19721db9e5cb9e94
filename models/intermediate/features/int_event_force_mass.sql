with

events as (
    select * from {{ ref('int_zone_entries') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

fits as (
    select * from {{ ref('int_force_mass_fits') }}
),

kinematics as (
    select * from {{ ref('int_event_kinematics') }}
),

forces as (
    select
        events.event_id,
        events.event_ts_ns,
        events.dir_sign * windows.ofi_integrated / 60 as force,
        windows.both_size_per_level as mass
    from events
    left join windows
        on
            events.event_ts_ns = windows.anchor_ts_ns
            and windows.window_s = 60
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
    inner join kinematics using (event_id)
)

select * from int_event_force_mass
