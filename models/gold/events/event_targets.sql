{{ config(schema='gold', access='public') }}

{%- set barriers = {
    'scaled': ('scaled_outcome_100', 'scaled_null_p_%s_100'),
    'scaled_050': ('scaled_outcome_050', 'scaled_null_p_%s_050'),
    'fixed': ('outcome', 'null_p_%s'),
} %}

with

labels as (
    select * from {{ ref('stg_silver__level_event_labels') }}
),

nulls as (
    select * from {{ ref('int_head_nulls') }}
),

of_barriers as (
    {%- for target, (outcome, null_p) in barriers.items() %}
    select
        event_id,
        '{{ target }}' as target,
        {{ outcome }} as class,
        uniqueness as weight,
        {%- for class in ['break', 'bounce', 'chop'] %}
        {{ null_p | format(class) }} as p_null_{{ class }}{{ ',' if not loop.last }}
        {%- endfor %}
    from labels
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

asked as (
    select
        event_id,
        'tradeable_1' as target,
        outcome,
        uniqueness,
        tradeable_1 as happened,
        null_p_tradeable_1 as p_null_yes
    from labels
    union all
    select
        event_id,
        'tradeable_2' as target,
        outcome,
        uniqueness,
        tradeable_2 as happened,
        1 - null_p_chop as p_null_yes
    from labels
    {%- for side in ['break', 'bounce'] %}
    {%- for number in [1, 2] %}
    {%- for seconds in [60, 120, 180, 300] %}
    union all
    select
        labels.event_id,
        '{{ side }}_{{ number }}_{{ seconds }}s' as target,
        labels.outcome,
        labels.uniqueness,
        coalesce(labels.time_to_{{ side }}_{{ number }} <= {{ seconds }}, false) as happened,
        nulls.{{ side }}_{{ number }}_{{ seconds }}s as p_null_yes
    from labels
    inner join nulls using (event_id)
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
),

targets as (
    select
        *,
        null::double as p_null_yes,
        null::double as p_null_no,
        greatest(p_null_break, p_null_bounce, p_null_chop) as largest,
        p_null_break is not null and p_null_bounce is not null and p_null_chop is not null
            as is_known
    from of_barriers
    union all
    select
        event_id,
        target,
        case
            when outcome = 'UNDEFINED' then outcome
            when happened then 'YES'
            else 'NO'
        end as class,
        uniqueness as weight,
        null as p_null_break,
        null as p_null_bounce,
        null as p_null_chop,
        p_null_yes,
        1 - p_null_yes as p_null_no,
        greatest(p_null_yes, 1 - p_null_yes) as largest,
        p_null_yes is not null as is_known
    from asked
),

-- Where the random walk is certain at the anchor there is nothing to predict.
event_targets as (
    select
        * exclude (largest, is_known),
        coalesce(class <> 'UNDEFINED' and is_known and largest < 1 - 1e-12, false) as is_scored
    from targets
)

select * from event_targets
order by event_id, target
