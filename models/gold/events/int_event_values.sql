{%- set nulls = {
    'fixed': 'null_p_%s', '050': 'scaled_null_p_%s_050', '100': 'scaled_null_p_%s_100'
} -%}

with

events as (
    select * from {{ ref('stg_silver__level_events') }}
),

features as (
    select * from {{ ref('stg_silver__level_event_features') }}
),

-- Of the labels what was known at the anchor: the random walk's odds.
labels as (
    select * from {{ ref('stg_silver__level_event_labels') }}
),

weights as (
    select
        session_date,
        list(weight order by m) as weights
    from {{ ref('ofi_weights') }}
    group by session_date
),

microprice as (
    select * from {{ ref('microprice') }}
),

tod as (
    select * from {{ ref('int_event_tod') }}
),

int_event_values as (
    select
        events.*,
        features.* exclude (event_id, session_date),
        tod.* exclude (event_id),
        case
            when features.mass <> 0
                then (
                    {%- for level in range(1, 11) %}
                    {{ '+ ' if not loop.first }}weights.weights[{{ level }}]
                    * features.ofi_level_{{ '%02d' | format(level) }}_60s
                    {%- endfor %}
                ) / features.mass
        end as ofi_pca_60s,
        events.dir_sign * {{ tick_size_points() }} * microprice.g_ticks as microprice_offset,
        {%- for side in ['break', 'bounce'] %}
        {%- for barrier, column in nulls.items() %}
        {%- set p = 'greatest(least(labels.' ~ column | format(side) ~ ', 1 - 1e-6), 1e-6)' %}
        case
            when labels.{{ column | format(side) }} is not null
                then ln({{ p }} / (1 - {{ p }}))
        end as null_logit_{{ side }}_{{ barrier }},
        {%- endfor %}
        {%- endfor %}
        regexp_replace(events.level_kind, '_(HIGH|LOW)$', '') as level_family,
        case
            when events.level_kind like '%\_HIGH' escape '\' then events.dir_sign = 1
            when events.level_kind like '%\_LOW' escape '\' then events.dir_sign = -1
        end as level_is_outward
    from events
    inner join features using (event_id)
    inner join labels using (event_id)
    left join tod using (event_id)
    left join weights on events.session_date = weights.session_date
    left join microprice
        on
            events.session_date = microprice.session_date
            and features.imbalance_bucket = microprice.i
            and features.spread_ticks = microprice.spread
)

select * from int_event_values
order by event_id
