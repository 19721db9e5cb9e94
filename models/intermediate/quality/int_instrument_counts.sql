with

int_instrument_counts as (
    {%- for feed, model in [
        ('futures/trades', 'stg_databento__futures_trades'),
        ('futures/mbp10', 'stg_databento__futures_mbp10'),
        ('options/trades', 'stg_databento__options_trades'),
        ('options/nbbo', 'stg_databento__options_nbbo'),
        ('options/statistics', 'stg_databento__options_statistics'),
    ] %}
    select
        '{{ feed }}' as feed,
        instrument_id,
        symbol,
        count(*) as record_count
    from {{ ref(model) }}
    where trade_date = date '{{ session_date() }}'
    group by instrument_id, symbol
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from int_instrument_counts
order by feed, instrument_id, symbol
