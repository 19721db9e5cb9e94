with

anchors as (
    select * from {{ ref('int_anchors') }}
),

entries as (
    select * from {{ ref('int_zone_entries') }}
),

event_features as (
    select * from {{ ref('int_event_features') }}
),

state_features as (
    select * from {{ ref('int_state_features') }}
),

labels as (
    select * from {{ ref('int_event_labels') }}
),

paths as (
    select * from {{ ref('int_event_paths') }}
),

book_steps as (
    select * from {{ ref('int_event_book') }}
),

sources as (
    {%- for table, key, groups in [
        ('event_features', 'event_id', ['trade', 'book', 'bar', 'option']),
        ('state_features', 'state_id', ['trade', 'book', 'bar']),
    ] %}
    {%- for group in groups %}
    select
        {{ key }} as anchor_id,
        '{{ group }}_source_ts_ns' as source,
        {{ group }}_source_ts_ns as source_ts_ns
    from {{ table }}
    union all
    {%- endfor %}
    {%- endfor %}
    -- A step of the book around an event shows what was known at that step.
    select
        event_id as anchor_id,
        'book_source_ts_ns' as source,
        book_source_ts_ns - offset_s * 1000000000::bigint as source_ts_ns
    from book_steps
    union all
    -- What a path shows up to its anchor is known there; beyond it is a label.
    select
        event_id as anchor_id,
        'path_source_ts_ns' as source,
        path_source_ts_ns - greatest(offset_s, 0) * 1000000000::bigint as source_ts_ns
    from paths
),

known as (
    select
        anchor_id,
        anchor_ts_ns
    from anchors
    union
    select
        event_id as anchor_id,
        event_ts_ns as anchor_ts_ns
    from entries
),

seeing_the_future as (
    select
        sources.anchor_id,
        sources.source
    from sources
    inner join known using (anchor_id)
    where sources.source_ts_ns > known.anchor_ts_ns
),

seeing_the_past as (
    select labels.event_id
    from labels
    inner join entries using (event_id)
    where labels.label_first_source_ts_ns <= entries.event_ts_ns
),

-- No anchor, nothing to measure.
int_gate_causality as (
    select
        'no_feature_sees_the_future' as gate,
        case
            when (select count(*) from known) > 0 then count(distinct anchor_id)
        end::double as measured,
        0::double as threshold,
        min(source || ' of ' || anchor_id) as detail
    from seeing_the_future
    union all
    select
        'no_label_sees_the_past' as gate,
        case
            when (select count(*) from entries) > 0 then count(*)
        end::double as measured,
        0::double as threshold,
        min(event_id) as detail
    from seeing_the_past
)

select * from int_gate_causality
