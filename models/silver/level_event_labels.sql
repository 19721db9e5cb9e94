{{ config(contract={'enforced': columns_are_described()}) }}

with

labels as (
    select * from {{ ref('int_event_labels') }}
),

level_event_labels as (
    select
        {{ label_columns() }}
    from labels
    where placebo_nr = 0
)

select * from level_event_labels
order by event_id
