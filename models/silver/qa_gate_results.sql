with

qa_gate_results as (
    select * from {{ ref('int_gate_results') }}
)

select * from qa_gate_results
order by gate
