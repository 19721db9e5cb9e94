{{ config(materialized='view') }}

{#- Literals, for the reasons that int_book_rows has. -#}
{%- set stretches = rows_as_literals(ref('int_barrier_stretches'), ['from_ns', 'to_ns']) -%}

with

book as (
    select * from {{ ref('int_book_rows') }}
),

near_events as (
    select *
    from book
    where
        false
        {%- for stretch in stretches %}
        or (ts_ns >= {{ stretch.from_ns }} and ts_ns <= {{ stretch.to_ns }})
        {%- endfor %}
),
{{ book_pairs('near_events') }}

select * exclude (row_nr) from paired
