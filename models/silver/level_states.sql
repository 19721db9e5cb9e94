{{ config(contract={'enforced': columns_are_described()}) }}

with

level_states as (
    select * exclude (state_id)
    from {{ ref('int_state_features') }}
)

select * from level_states
order by tau_ns, level_kind
