{%- set baselines = ['base_rate', 'null', 'null_calibrated'] -%}

with

losses as (
    select * from {{ ref('int_event_losses') }}
),

candidates as (
    select * from {{ ref('int_candidates') }}
),

strata as (
    select * from {{ ref('int_event_strata') }}
),

-- The baselines are taken over just the events that the model predicts.
compared as (
    select
        losses.*,
        {%- for baseline in baselines %}
        of_{{ baseline }}.loss as loss_{{ baseline }},
        {%- endfor %}
        of_null_calibrated.loss_move - losses.loss_move as gain_move,
        of_null_calibrated.loss_side - losses.loss_side as gain_side
    from losses
    inner join candidates using (candidate_nr)
    {%- for baseline in baselines %}
    left join losses as of_{{ baseline }}
        on
            candidates.{{ baseline }}_nr = of_{{ baseline }}.candidate_nr
            and losses.event_id = of_{{ baseline }}.event_id
    {%- endfor %}
),

int_session_gains as (
    select
        compared.candidate_nr,
        strata.stratum_kind,
        strata.stratum,
        strata.session_date,
        count(*) as events,
        {{ exact_sum('compared.weight') }}::double as weight
        {%- for measure in [
            'loss', 'brier', 'loss_base_rate', 'loss_null', 'loss_null_calibrated',
            'gain_move', 'gain_side',
        ] %},
        {{ exact_sum('compared.weight * compared.' ~ measure) }}::double as {{ measure }}
        {%- endfor %}
    from compared
    inner join strata using (event_id)
    group by all
)

select * from int_session_gains
order by candidate_nr, stratum_kind, stratum, session_date
