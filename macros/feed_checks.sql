{#- One row of checks over the records of a feed on the session date, in one streaming pass: `lag()
    over ()` follows the scan, which keeps the order of the files. `session` holds the clock as
    literals, because a join would end the streaming. The other arguments are expressions over a
    record; what is not given is unknown. A gap is a time without a record, or without one that
    `watched` is true of.

    Records are numbered without a hole, so that more records than numbers are duplicates, and so are
    neighbours of one number. A feed taken in twice and numbered anew is told by its `content`, of
    one content in `one_of` where a GROUP BY would be over millions of keys. A venue may well report
    equal records, so that they are duplicates only beyond the share `max_repeats`. -#}
{% macro feed_checks(feed, relation, session, price=none, flags=none, latency=none, crossed=none,
    watched=none, has_sides=false, content=none, max_repeats=0, one_of=1) %}
    {%- set repeated_share -%}
        (1 - count(distinct content) filter (content % {{ one_of }} = 0)
        / nullif(count(*) filter (content % {{ one_of }} = 0), 0))
    {%- endset %}
    select
        '{{ feed }}' as feed,
        count(*) as row_count,
        min(ts_ns) as first_ts_ns,
        max(ts_ns) as last_ts_ns,
        min({{ price or 'null::double' }}) as min_price,
        max({{ price or 'null::double' }}) as max_price,
        count(*) filter (
            previous_ts_ns > ts_ns or (previous_ts_ns = ts_ns and previous_row_nr >= row_nr)
        ) as out_of_order_count,
        greatest(
            count(*) - (max(row_nr) - min(row_nr) + 1),
            count(*) filter (previous_row_nr = row_nr)
            {%- if content %},
            case
                when {{ repeated_share }} > {{ max_repeats }}
                    then round({{ repeated_share }} * count(*))::bigint
                else 0
            end
            {%- endif %}
        ) as duplicate_count,
        greatest(
            max(
                least(ts_ns, {{ session.event_end_ns }})
                - greatest(previous_watched_ns, {{ session.rth_start_ns }})
            ),
            {{ session.event_end_ns }} - greatest(max(watched_ns), {{ session.rth_start_ns }}),
            least(min(watched_ns), {{ session.event_end_ns }}) - {{ session.rth_start_ns }}
        ) / 1e9 as longest_gap_s,
        count(*) filter ({{ flags or 'null::integer' }} & 4 <> 0)
        / nullif(count({{ flags or 'null::integer' }}), 0) as bad_book_share,
        count(*) filter ({{ latency or 'null::bigint' }} > {{ var('late_after_ms') }} * 1000000)
        / nullif(count({{ latency or 'null::bigint' }}), 0) as late_share,
        avg(({{ crossed or 'null::boolean' }})::integer) as crossed_share,
        {%- if has_sides %}
        sum(size) filter (aggressor_side <> 'N') / nullif(sum(size), 0) as sided_share
        {%- else %}
        null::double as sided_share
        {%- endif %}
    from (
        select
            *,
            lag(ts_ns) over () as previous_ts_ns,
            lag(row_nr) over () as previous_row_nr,
            lag(watched_ns) over () as previous_watched_ns
        from (
            select
                *,
                {%- if content %}
                hash({{ content }}) as content,
                {%- endif %}
                {%- if watched %}
                max(case when {{ watched }} then ts_ns end) over (
                    rows between unbounded preceding and current row
                ) as watched_ns
                {%- else %}
                ts_ns as watched_ns
                {%- endif %}
            from {{ relation }} as records
            where trade_date = date '{{ session_date() }}'
        )
    ) as records
{% endmacro %}
