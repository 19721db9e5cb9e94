{{ config(severity='error', enabled=target.name == 'gold') }}

-- No column of the matrix is one of a label, or one that only places an event.
select columns.column_name
from information_schema.columns as columns
where
    columns.table_schema = '{{ ref("event_matrix").schema }}'
    and columns.table_name = 'event_matrix'
    and columns.column_name not in ('event_id', 'session_date')
    and (
        columns.column_name in (
            select labels.column_name
            from information_schema.columns as labels
            where
                labels.table_schema = '{{ ref("stg_silver__level_event_labels").schema }}'
                and labels.table_name = 'stg_silver__level_event_labels'
        )
        or regexp_matches(columns.column_name, '(_ts_ns|_price|^spot|_id|_date)$')
    )
