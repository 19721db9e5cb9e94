{#- Proves that a scan gives the rows in strictly rising (ts_ns, row_nr) order, and with it that the
    pair is unique. Streams: `lag() over ()` follows the scan, which keeps the order of the files. -#}
{% test in_file_order(model) %}

with

neighbours as (
    select
        ts_ns,
        row_nr,
        lag(ts_ns) over () as previous_ts_ns,
        lag(row_nr) over () as previous_row_nr
    from {{ model }}
)

select *
from neighbours
where
    ts_ns is null
    or row_nr is null
    or previous_ts_ns > ts_ns
    or (previous_ts_ns = ts_ns and previous_row_nr >= row_nr)

{% endtest %}
