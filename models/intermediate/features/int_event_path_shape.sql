{%- set steps, step_s, coefficients = 40, 30, 8 -%}

with

events as (
    select * from {{ ref('int_events') }}
),

prices as (
    select * from {{ ref('int_front_prices') }}
),

-- step 0 lies furthest back; the one before it is where its flow begins.
lookups as (
    select
        events.event_id,
        events.level_price,
        events.dir_sign,
        steps.step,
        events.event_ts_ns - ({{ steps - 1 }} - steps.step) * {{ step_s }} * 1000000000::bigint
            as at_ns
    from events
    cross join range(-1, {{ steps }}) as steps (step)
),

at_steps as (
    select
        lookups.event_id,
        lookups.step,
        lookups.dir_sign * (prices.price - lookups.level_price) as position,
        lookups.dir_sign * coalesce(prices.signed_volume_so_far, 0) as signed_volume_so_far
    from lookups
    asof left join prices on lookups.at_ns >= prices.ts_ns
),

series as (
    select
        *,
        signed_volume_so_far - lag(signed_volume_so_far) over (
            partition by event_id order by step
        ) as flow
    from at_steps
    qualify step >= 0
),

-- The orthonormal discrete cosine transform, type II (Ahmed, Natarajan and Rao 1974).
int_event_path_shape as (
    select
        event_id,
        {%- for name, quantity in [('path', 'position'), ('flow', 'flow')] %}
        {%- set is_last = loop.last %}
        {%- for k in range(coefficients) %}
        case
            when count({{ quantity }}) = {{ steps }}
                then
                    sqrt({{ 1 if k == 0 else 2 }} / {{ steps }})
                    * sum(
                        {{ quantity }} * cos(pi() * (step + 0.5) * {{ k }} / {{ steps }})
                        order by step
                    )
        end as {{ name }}_dct_{{ k }}{{ ',' if not (is_last and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from series
    group by event_id
)

select * from int_event_path_shape
