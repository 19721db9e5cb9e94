{{ config(schema='gold', access='public') }}

{%- set sets = feature_rows(ref('feature_sets')) %}

with

event_values as (
    select * from {{ ref('int_event_values') }}
),

event_matrix as (
    select
        event_id,
        session_date
        {%- for set in sets %},
        {{ feature_value(set) }} as {{ set.feature }}
        {%- endfor %}
    from event_values
)

select * from event_matrix
order by event_id
