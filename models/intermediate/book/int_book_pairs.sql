{{ config(materialized='view') }}

with

book as (
    select * from {{ ref('int_book_rows') }}
),
{{ book_pairs('book') }}

select * from paired
