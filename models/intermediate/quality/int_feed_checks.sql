{#- Literals, because a join would end the streaming. -#}
{%- set session = first_row(ref('int_session'), ['rth_start_ns', 'event_end_ns']) -%}
{%- set front = first_row(ref('int_front_month'), ['front_month']) -%}
{%- set span = first_row(ref('int_book_span'), ['from_ns', 'to_ns']) -%}
{%- set in_session -%}
    ts_ns >= {{ session.rth_start_ns }} and ts_ns <= {{ session.event_end_ns }}
{%- endset -%}
{#- Snapshot rows carry old exchange times. -#}
{%- set is_late -%}
    if(flags & 32 = 0, ts_ns - ts_event_ns > {{ var('late_after_ms') }} * 1000000, null)
{%- endset -%}
{%- set is_bad_book = 'flags & 4 <> 0' -%}
{%- set of_the_date = "trade_date = date '" ~ session_date() ~ "'" -%}

with

-- What is asked of the records of a feed; what one does not say is NULL.
asked as (
    select
        null::double as price,
        null::boolean as is_bad_book,
        null::boolean as is_late,
        null::boolean as is_crossed,
        null::ubigint as content
    where false
),

book as not materialized (
    select * from {{ ref('stg_databento__futures_mbp10') }}
    where {{ of_the_date }}
),

futures_mbp10 as (
    select
        ts_ns,
        row_nr,
        price,
        {{ is_bad_book }} as is_bad_book,
        {{ is_late }} as is_late,
        {{ sampled_content('ts_ns, ts_event_ns, sequence, side, price, size') }} as content
    from book
),

-- States of the front month in the session, of any contract where none is; without a session, of
-- any time. Asked for apart, so that of the rest of the day no prices are read. Those before the
-- session make no gap in it; their actions matter where the book is read.
book_states as (
    select
        {{ longest_gap_s(session) }} as longest_gap_s,
        count_if(is_crossed) / nullif(count(is_crossed), 0) as crossed_share,
        count(*) filter (is_unknown_action) as unknown_action_count
    from (
        select
            ts_ns,
            ts_ns >= {{ span.from_ns }} and ts_ns <= {{ span.to_ns }}
            and action not in ('A', 'C', 'M', 'R') as is_unknown_action,
            lag(ts_ns) over () as previous_ts_ns,
            case
                when {{ front.front_month }} is not null and {{ in_session }}
                    then bid_px_00 >= ask_px_00
            end as is_crossed
        from book
        where
            symbol = coalesce({{ front.front_month }}, symbol)
            and {{ is_book_state('book') }}
            {%- if session.rth_start_ns != 'null' %}
            and ts_ns >= least({{ session.rth_start_ns }}, {{ span.from_ns }})
            and ts_ns <= {{ session.event_end_ns }}
            {%- endif %}
    )
),

options_nbbo as (
    select
        ts_ns,
        row_nr,
        bid_price as price,
        {{ is_bad_book }} as is_bad_book,
        -- One-second quotes carry the time of the last trade, which says nothing of latency.
        if(action is not null, {{ is_late }}, null) as is_late,
        if({{ in_session }}, bid_price_nano >= ask_price_nano, null) as is_crossed,
        {{ sampled_content('ts_ns, ts_event_ns, instrument_id, bid_price_nano, ask_price_nano') }}
            as content
    from {{ ref('stg_databento__options_nbbo') }}
    where {{ of_the_date }}
),
{% for market in ['futures', 'options'] %}
{{ market }}_trades as (
    select
        ts_ns,
        row_nr,
        price,
        {{ is_bad_book }} as is_bad_book,
        {{ is_late }} as is_late,
        size,
        aggressor_side,
        hash(instrument_id, sequence, ts_event_ns, ts_ns, aggressor_side, price, size) as content
    from {{ ref('stg_databento__' ~ market ~ '_trades') }}
    where {{ of_the_date }}
),
{% endfor %}
{%- for feed, model, price, content in [
    ('futures_definition', 'stg_databento__futures_definitions', 'null', 'null'),
    ('options_definition', 'stg_databento__options_definitions', 'null', 'null'),
    (
        'options_statistics', 'stg_databento__options_statistics', 'null',
        'hash(instrument_id, ts_ns, stat_type, ts_ref_ns, quantity, price)'
    ),
    ('index_spx', 'stg_index__spx', 'price', 'hash(ts_ns, price)'),
] %}
{{ feed }} as (
    select
        ts_ns,
        row_nr,
        {{ price }} as price,
        {{ content }} as content
    from {{ ref(model) }}
    where {{ of_the_date }}
),
{% endfor %}
int_feed_checks as (
    {%- for feed in [
        'futures/trades', 'futures/mbp10', 'futures/definition', 'options/trades', 'options/nbbo',
        'options/definition', 'options/statistics', 'index/spx'
    ] %}
    {{ feed_checks(feed, session) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from int_feed_checks
order by feed
