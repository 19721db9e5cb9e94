{#- One row of checks over the records of a feed, from the CTE of its name, in one streaming pass: `lag()
    over ()` follows the scan, which keeps the order of the files.

    Records are numbered without a hole, so that more records than numbers are duplicates, and so are
    neighbours of one number. A feed taken in twice and numbered anew is told by its content. A venue
    may well report equal records, so that they are duplicates only beyond a share. -#}
{% macro feed_checks(feed, session) %}
    {%- set is_book = feed == 'futures/mbp10' -%}
    {%- set is_of_trades = feed.endswith('/trades') -%}
    {#- A sample is taken out before it is counted: count(distinct) would keep all rows for that. -#}
    {%- set distinct_count =
        'list_unique(list(content) filter (content is not null))'
        if is_book or feed == 'options/nbbo' else 'count(distinct content)' -%}
    {%- set repeated_share = '(1 - ' ~ distinct_count ~ ' / nullif(count(content), 0))' -%}
    {%- set max_repeated_share =
        var('max_repeated_trade_share') if is_of_trades else var('max_repeated_row_share') -%}
    select
        '{{ feed }}' as feed,
        count(*) as row_count,
        min(ts_ns) as first_ts_ns,
        max(ts_ns) as last_ts_ns,
        min(price) as min_price,
        max(price) as max_price,
        coalesce(count_if(
            previous_ts_ns > ts_ns or (previous_ts_ns = ts_ns and previous_row_nr >= row_nr)
        ), 0)::bigint as out_of_order_count,
        greatest(
            count(*) - (max(row_nr) - min(row_nr) + 1),
            coalesce(count_if(previous_row_nr = row_nr), 0)::bigint,
            case
                when {{ repeated_share }} > {{ max_repeated_share }}
                    then round({{ repeated_share }} * count(*))::bigint
            end
        ) as duplicate_count,
        {{ '(select longest_gap_s from book_states)' if is_book else longest_gap_s(session) }}
            as longest_gap_s,
        count_if(is_bad_book) / nullif(count(is_bad_book), 0) as bad_book_share,
        count_if(is_late) / nullif(count(is_late), 0) as late_share,
        {{ '(select crossed_share from book_states)' if is_book
            else 'count_if(is_crossed) / nullif(count(is_crossed), 0)' }} as crossed_share,
        {% if is_of_trades -%}
            sum(size) filter (aggressor_side <> 'N') / nullif(sum(size), 0)
        {%- else -%}
            null::double
        {%- endif %} as sided_share,
        {{ '(select unknown_action_count from book_states)' if is_book else 'null::bigint' }}
            as unknown_action_count
    from (
        select
            *,
            lag(ts_ns) over () as previous_ts_ns,
            lag(row_nr) over () as previous_row_nr
        from (
            select * from {{ feed | replace('/', '_') }}
            union all by name
            select * from asked
        )
    )
{% endmacro %}

{#- The longest time of the session without a row, in seconds: an aggregate over rows with `ts_ns` and
    `previous_ts_ns`. -#}
{% macro longest_gap_s(session) -%}
    greatest(
        max(
            least(ts_ns, {{ session.event_end_ns }})
            - greatest(previous_ts_ns, {{ session.rth_start_ns }})
        ),
        {{ session.event_end_ns }} - greatest(max(ts_ns), {{ session.rth_start_ns }}),
        least(min(ts_ns), {{ session.event_end_ns }}) - {{ session.rth_start_ns }}
    ) / 1e9
{%- endmacro %}

{#- The hash of what a record says, for the records of one time in 64 and NULL for the others: a count of
    distinct ones over millions would cost too much. Copies of a record are of its time. -#}
{% macro sampled_content(columns) -%}
    if(hash(ts_ns) & 63 = 0, hash({{ columns }}), null)
{%- endmacro %}
