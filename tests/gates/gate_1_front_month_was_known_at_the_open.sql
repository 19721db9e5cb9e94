{{ config(severity='warn', tags=['gate']) }}

-- The front month is chosen by a volume known in hindsight: this names the sessions on which the
-- volume before the open would have chosen another contract.
select
    session_date,
    front_month,
    causal_front_month
from {{ ref('sessions') }}
where front_month is distinct from causal_front_month
