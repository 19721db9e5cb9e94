{{ config(severity='warn', tags=['gate']) }}

-- Gate 1, dominance: the front month has at least dominance_threshold of the outrights' volume.
-- Below it the session is published with is_roll_contaminated set.
select
    session_date,
    front_month,
    dominance_ratio,
    runner_up_symbol,
    runner_up_ratio
from {{ ref('sessions') }}
where is_roll_contaminated
