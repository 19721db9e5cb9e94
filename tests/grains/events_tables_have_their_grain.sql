{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_zone_entries'), ['event_id']),
    (ref('int_event_clock'), ['event_id']),
    (ref('int_event_labels'), ['event_id']),
]) }}
