{#- Force and mass explain the motion over 60 s, whether or not that is a feature. -#}
{%- set windows = (list_var('kinematics_windows_s') | reject('equalto', 60) | list) + [60] -%}
{%- set lags = [0] -%}
{%- for window in windows -%}
    {%- for multiple in [1, 2, 3] -%}
        {%- do lags.append(window * multiple) if window * multiple not in lags -%}
    {%- endfor -%}
{%- endfor -%}

with

anchors as (
    select * from {{ ref('int_anchors') }}
),

prices as (
    select * from {{ ref('int_front_prices') }}
),

lookups as (
    select
        anchor_id,
        level_price,
        dir_sign,
        lags.lag_s,
        anchor_ts_ns - lags.lag_s * 1000000000::bigint as at_ns
    from anchors
    -- Rows, not an unnested list, whose length DuckDB does not see: it would take the lookups for
    -- few and compare each of them with every price.
    cross join (values ({{ lags | join('), (') }})) as lags (lag_s)
),

-- In the level's frame: negative before the level, positive beyond it.
positions as (
    select
        lookups.anchor_id,
        lookups.lag_s,
        lookups.dir_sign * (prices.price - lookups.level_price) as position
    from lookups
    asof left join prices on lookups.at_ns >= prices.ts_ns
),

int_anchor_kinematics as (
    select
        anchor_id,
        {{ at_lag(0) }} as position
        {%- for h in windows %},
        ({{ at_lag(0) }} - {{ at_lag(h) }}) / {{ h }} as velocity_{{ h }}s,
        ({{ at_lag(0) }} - 2 * {{ at_lag(h) }} + {{ at_lag(2 * h) }})
        / ({{ h }} ** 2) as acceleration_{{ h }}s,
        ({{ at_lag(0) }} - 3 * {{ at_lag(h) }} + 3 * {{ at_lag(2 * h) }} - {{ at_lag(3 * h) }})
        / ({{ h }} ** 3) as jerk_{{ h }}s,
        velocity_{{ h }}s ** 2 as kinetic_energy_{{ h }}s,
        -- Unknown acceleration is an unknown answer even where the velocity alone would deny it.
        case
            when acceleration_{{ h }}s is not null
                then velocity_{{ h }}s > 0 and acceleration_{{ h }}s < 0
        end as is_decelerating_{{ h }}s
        {%- endfor %}
    from positions
    group by anchor_id
)

select * from int_anchor_kinematics
