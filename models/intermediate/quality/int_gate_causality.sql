with

entries as (
    select * from {{ ref('int_events') }}
),

features as (
    select * from {{ ref('int_event_features') }}
),

labels as (
    select * from {{ ref('int_event_labels') }}
),

sources as (
    {%- for group in ['trade', 'book', 'bar', 'option'] %}
    select
        event_id,
        '{{ group }}_source_ts_ns' as source,
        {{ group }}_source_ts_ns as source_ts_ns
    from features
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

seeing_the_future as (
    select
        sources.event_id,
        sources.source
    from sources
    inner join entries using (event_id)
    where sources.source_ts_ns > entries.event_ts_ns
),

seeing_the_past as (
    select labels.event_id
    from labels
    inner join entries using (event_id)
    where labels.label_first_source_ts_ns <= entries.event_ts_ns
),

-- No event, nothing to measure.
int_gate_causality as (
    select
        'no_feature_sees_the_future' as gate,
        case
            when count(entries.event_id) > 0 then count(distinct seeing_the_future.event_id)
        end::double as measured,
        0::double as threshold,
        min(seeing_the_future.source || ' of ' || seeing_the_future.event_id) as detail
    from entries
    left join seeing_the_future using (event_id)
    union all
    select
        'no_label_sees_the_past' as gate,
        case
            when count(entries.event_id) > 0 then count(seeing_the_past.event_id)
        end::double as measured,
        0::double as threshold,
        min(seeing_the_past.event_id) as detail
    from entries
    left join seeing_the_past using (event_id)
)

select * from int_gate_causality
