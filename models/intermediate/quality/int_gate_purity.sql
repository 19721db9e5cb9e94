with

front_month as (
    select * from {{ ref('int_front_month') }}
),

records as (
    select * from {{ ref('int_instrument_counts') }}
),

-- The build knows the front month by its symbol: a second instrument under that symbol is another
-- contract.
instruments as (
    select distinct
        records.instrument_id,
        records.symbol
    from records
    inner join front_month on records.symbol = front_month.front_month
    where records.feed in ('futures/trades', 'futures/mbp10')
),

int_gate_purity as (
    select
        'one_contract_in_trades_and_book' as gate,
        nullif(count(*), 0)::double as measured,
        1::double as threshold,
        string_agg(symbol || ' is ' || instrument_id, ', ' order by symbol, instrument_id) as detail
    from instruments
    union all
    select
        'front_month_dominates' as gate,
        dominance_ratio as measured,
        {{ var('dominance_threshold') }}::double as threshold,
        front_month || ' before ' || coalesce(runner_up_symbol, 'none') as detail
    from front_month
    union all
    select
        'front_month_was_known_at_the_open' as gate,
        case
            when front_month is not null
                then (front_month is not distinct from causal_front_month)::integer
        end::double as measured,
        1::double as threshold,
        front_month || ', before the open ' || coalesce(causal_front_month, 'none') as detail
    from front_month
)

select * from int_gate_purity
