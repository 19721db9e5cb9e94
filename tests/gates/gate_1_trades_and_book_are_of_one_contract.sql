{{ config(severity='error', tags=['gate']) }}

-- Gate 1, purity: trades and book rows of the session are of its front month and of nothing else.
-- One row per foreign contract.
with

front_month as (
    select * from {{ ref('int_front_month') }}
),

contracts as (
    select distinct
        'trades' as feed,
        symbol
    from {{ ref('int_front_trades') }}
    union all
    select distinct
        'book' as feed,
        symbol
    from {{ ref('int_book_rows') }}
)

select
    contracts.feed,
    contracts.symbol,
    front_month.front_month
from contracts
cross join front_month
where contracts.symbol is distinct from front_month.front_month
