{{ config(severity='error') }}

-- Events, their features, their labels and the table that joins them are of the same events, which
-- belong to the session and to kinds of level that there are.
{%- set tables = [
    ref('level_event_features'), ref('level_event_labels'), ref('level_interactions')
] %}
{%- for table in tables %}
select
    '{{ table.name }}' as table_name,
    coalesce(events.event_id, {{ table.name }}.event_id) as event_id
from {{ ref('level_events') }} as events
full join {{ table }} as {{ table.name }} using (event_id)
where events.event_id is null or {{ table.name }}.event_id is null
union all
{%- endfor %}
{%- for table, column in [
    (ref('sessions'), 'session_date'), (ref('int_level_kinds'), 'level_kind')
] %}
select
    '{{ table.name }}' as table_name,
    events.event_id
from {{ ref('level_events') }} as events
anti join {{ table }} as {{ table.name }} using ({{ column }})
{{ 'union all' if not loop.last }}
{%- endfor %}
union all
-- So have placebo events, and each event its path and the buckets of its barrier.
{%- for events, table in [
    (ref('placebo_events'), ref('placebo_labels')),
    (ref('level_events'), ref('event_book')),
    (ref('level_events'), ref('event_replenishment')),
] %}
select
    '{{ table.name }}' as table_name,
    coalesce(events.event_id, {{ table.name }}.event_id) as event_id
from {{ events }} as events
full join (
    select distinct event_id from {{ table }}
) as {{ table.name }} using (event_id)
where events.event_id is null or {{ table.name }}.event_id is null
union all
{%- endfor %}
select
    'event_paths' as table_name,
    coalesce(entries.event_id, paths.event_id) as event_id
from (
    select event_id from {{ ref('level_events') }}
    union all
    select event_id from {{ ref('placebo_events') }}
) as entries
full join (
    select distinct event_id from {{ ref('event_paths') }}
) as paths using (event_id)
where entries.event_id is null or paths.event_id is null
