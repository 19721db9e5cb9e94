{%- set session = first_row(ref('int_session'), ['rth_start_ns', 'event_end_ns']) -%}
{%- set front = first_row(ref('int_front_month'), ['front_month']) -%}
{%- set in_session -%}
    ts_ns >= {{ session.rth_start_ns }} and ts_ns <= {{ session.event_end_ns }}
{%- endset -%}
{#- Snapshot rows carry old exchange times. -#}
{%- set latency = 'case when flags & 32 = 0 then ts_ns - ts_event_ns end' -%}
{%- set trade = 'instrument_id, sequence, ts_event_ns, ts_ns, aggressor_side, price, size' -%}
{%- set few_trades = var('max_repeated_trade_share') -%}
{%- set few_rows = var('max_repeated_row_share') -%}

-- A window with a frame and no order streams; the linter cannot parse it.
-- noqa: disable=PRS
with

int_feed_checks as (
    {{ feed_checks(
        'futures/trades', ref('stg_databento__futures_trades'), session,
        price='price', flags='flags', latency=latency, has_sides=true,
        content=trade, max_repeats=few_trades
    ) }}
    union all
    {{ feed_checks(
        'futures/mbp10', ref('stg_databento__futures_mbp10'), session,
        price='price', flags='flags', latency=latency,
        crossed='case when symbol = ' ~ front.front_month ~ ' and ' ~ in_session ~ ' and '
        ~ is_book_state('records') ~ ' then bid_px_00 >= ask_px_00 end',
        watched='symbol = coalesce(' ~ front.front_month ~ ', symbol) and '
        ~ is_book_state('records'),
        content='ts_ns, ts_event_ns, sequence, side, price, size',
        max_repeats=few_rows, one_of=64
    ) }}
    union all
    {{ feed_checks('futures/definition', ref('stg_databento__futures_definitions'), session) }}
    union all
    {{ feed_checks(
        'options/trades', ref('stg_databento__options_trades'), session,
        price='price', flags='flags', latency=latency, has_sides=true,
        content=trade, max_repeats=few_trades
    ) }}
    union all
    {#- One-second quotes carry the time of the last trade, which says nothing of latency. #}
    {{ feed_checks(
        'options/nbbo', ref('stg_databento__options_nbbo'), session,
        price='bid_price', flags='flags',
        latency='case when flags & 32 = 0 and action is not null then ts_ns - ts_event_ns end',
        crossed='case when ' ~ in_session ~ ' then bid_price_nano >= ask_price_nano end',
        content='ts_ns, ts_event_ns, instrument_id, bid_price_nano, ask_price_nano',
        max_repeats=few_rows, one_of=64
    ) }}
    union all
    {{ feed_checks('options/definition', ref('stg_databento__options_definitions'), session) }}
    union all
    {{ feed_checks(
        'options/statistics', ref('stg_databento__options_statistics'), session,
        content='instrument_id, ts_ns, stat_type, ts_ref_ns, quantity, price', max_repeats=few_rows
    ) }}
    union all
    {{ feed_checks(
        'index/spx', ref('stg_index__spx'), session, price='price',
        content='ts_ns, price', max_repeats=few_rows
    ) }}
)

select * from int_feed_checks
order by feed
