{#- Before a run: one view per Bronze feed over the partitions this session needs and no others,
    and the table bronze.partitions that says which ones are there and whole.

    A partition that is missing, or whose files do not match its manifest, gives no rows; it is named
    in one line and never fails the run. Dates come in here and in model SQL only, so that parsing
    never depends on them. -#}
{% macro attach_bronze() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set date = session_date() -%}

    {#- run_query, unlike a statement block, opens no transaction that a hook would leave open. -#}
    {%- do run_query('create schema if not exists ' ~ own('bronze')) -%}
    {%- set partitions -%}
        create or replace table {{ own('bronze.partitions') }} as
        with

        wanted as (
            {%- for trade_date in warmup_dates(date) %}
            select
                unnest(bronze_feeds()) as feed,
                date '{{ trade_date }}' as trade_date
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        ),

        checked as (
            select
                feed,
                trade_date,
                bronze_partition(feed, trade_date)::json as state
            from wanted
            -- Only the 2-minute bars reach back before the session.
            where feed = 'futures/trades' or trade_date = date '{{ date }}'
        )

        select
            feed,
            trade_date,
            state ->> 'root' as root,
            state ->> 'status' as status,
            state ->> 'problem' as problem,
            state ->> 'made_from' as made_from,
            (state -> 'files')::varchar[] as files,
            (state -> 'sha256')::varchar[] as sha256
        from checked
        order by feed, trade_date
    {%- endset -%}
    {%- do run_query(partitions) -%}

    {%- set views = run_query("
        select
            replace(feed, '/', '_') as view_name,
            bronze_select(
                feed,
                coalesce(flatten(list(files order by trade_date) filter (status = 'ok')), [])
            ) as sql
        from " ~ own('bronze.partitions') ~ "
        group by feed
    ") -%}
    {%- for view_name, sql in views.rows -%}
        {%- do run_query('create or replace view ' ~ own('bronze.') ~ view_name ~ ' as ' ~ sql) -%}
    {%- endfor -%}

    {{ warn_of_bronze(date) }}
{% endmacro %}

{#- The session date and the sma_warmup_days trade dates before it, oldest first. Stops the run if CME
    does not trade on the date; says so in one line if only the cash market is shut. -#}
{% macro warmup_dates(date) %}
    {%- set calendar = fromjson(run_query(
        "select trade_calendar(date '" ~ date ~ "', " ~ var('sma_warmup_days') ~ ")"
    ).rows[0][0]) -%}
    {%- if not calendar.is_trade_date -%}
        {{ exceptions.raise_compiler_error(
            'session_date ' ~ date ~ ' is no CME trade date: a weekend, a full holiday, or outside '
            ~ calendar.first ~ ' to ' ~ calendar.last) }}
    {%- endif -%}
    {%- if not calendar.has_rth -%}
        {%- do exceptions.warn(
            'session ' ~ date ~ ': no regular session, so no levels and no events ('
            ~ calendar.reason ~ ')') -%}
    {%- endif -%}
    {{ return(calendar.warm_up + [date]) }}
{% endmacro %}

{#- One line for what is missing, one for each partition that does not match its manifest. -#}
{% macro warn_of_bronze(date) %}
    {%- set missing = [] -%}
    {%- for feed, trade_date, status, problem in run_query("
        select feed, trade_date::varchar, status, problem
        from " ~ own('bronze.partitions') ~ "
        where status <> 'ok'
        order by trade_date desc, feed
    ").rows -%}
        {%- if status == 'missing' -%}
            {%- do missing.append(feed ~ ('' if trade_date == date else ' of ' ~ trade_date)) -%}
        {%- else -%}
            {%- do exceptions.warn(
                'Bronze ' ~ feed ~ ' of ' ~ trade_date ~ ' is left out: ' ~ problem) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- set bronze_root = run_query('select bronze_root()').rows[0][0] -%}
        {%- do exceptions.warn(
            'session ' ~ date ~ ': no Bronze below ' ~ bronze_root ~ ' for ' ~ missing | join(', ')
            ~ '; what needs it stays NULL') -%}
    {%- endif -%}
{% endmacro %}
