with

exposures as (
    select * from {{ ref('int_gamma_exposures') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- Call less put is forward less strike; each mid may be off by half its spread, and the future's
-- last trade by a tick. Prices of different moments say nothing.
strikes as (
    select
        mark_ns,
        expiration_ns,
        strike,
        any_value(underlying_price - strike) as forward_less_strike,
        sum(if("right" = 'C', 1, -1) * (bid_price_nano + ask_price_nano) / 2e9) as call_less_put,
        sum(ask_price_nano - bid_price_nano) / 2e9 as tolerance
    from exposures
    where
        quote_status in ('solved', 'at_or_below_intrinsic', 'unsolvable')
        and greatest(quote_age_s, underlying_price_age_s) <= {{ var('parity_max_age_s') }}
    group by all
    having count(*) filter ("right" = 'C') = 1 and count(*) filter ("right" = 'P') = 1
),

parity as (
    select
        avg((
            abs(strikes.call_less_put - strikes.forward_less_strike)
            <= greatest(strikes.tolerance, 0) + session.tick_size_points + 1e-9
        )::integer) as parity_share
    from strikes
    cross join session
),

statuses as (
    select
        count(distinct instrument_id) as option_count,
        count(iv) filter (quote_status <> 'expired')
        / nullif(count(*) filter (quote_status <> 'expired'), 0) as iv_known_share,
        count(distinct instrument_id) filter (open_interest > 0)
        / nullif(count(distinct instrument_id), 0) as open_interest_share,
        {%- for status in [
            'expired', 'no_underlying', 'no_quote', 'one_sided', 'at_or_below_intrinsic',
            'unsolvable', 'solved'
        ] %}
        avg((quote_status = '{{ status }}')::integer) as quote_{{ status }}_share,
        {%- endfor %}
        {%- for status in ['solved', 'other_side', 'interpolated'] %}
        avg((iv_status = '{{ status }}')::integer) as iv_{{ status }}_share
        {{- ',' if not loop.last }}
        {%- endfor %}
    from exposures
),

int_option_checks as (
    select
        session.session_date,
        statuses.*,
        parity.parity_share
    from session
    cross join statuses
    cross join parity
)

select * from int_option_checks
