{{ config(contract={'enforced': columns_are_described()}) }}

with

labels as (
    select * from {{ ref('int_event_labels') }}
),

placebo_labels as (
    select
        {{ label_columns() }}
    from labels
    where placebo_nr > 0
)

select * from placebo_labels
order by event_id
