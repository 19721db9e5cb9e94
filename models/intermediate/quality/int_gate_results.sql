with

session as (
    select * from {{ ref('int_session') }}
),

gates as (
    select * from {{ ref('quality_gates') }}
),

measures as (
    {%- for model in [
        'int_gate_inputs', 'int_gate_purity', 'int_gate_clock', 'int_gate_leakage',
        'int_gate_causality', 'int_gate_coverage', 'int_gate_prices', 'int_gate_quality'
    ] %}
    select
        gate,
        measured,
        threshold,
        detail
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A gate without anything to measure (no feed, no events, no cash session) does not apply.
int_gate_results as (
    select
        session.session_date,
        gates.gate,
        gates.family,
        gates.severity,
        case
            when measures.measured is null then 'not_applicable'
            when gates.comparison = '<=' and measures.measured <= measures.threshold then 'passed'
            when gates.comparison = '>=' and measures.measured >= measures.threshold then 'passed'
            else 'failed'
        end as status,
        measures.measured,
        gates.comparison,
        measures.threshold,
        gates.unit,
        measures.detail,
        gates.claim,
        gates.advice
    from gates
    cross join session
    left join measures using (gate)
)

select * from int_gate_results
order by gate
