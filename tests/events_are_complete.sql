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
