{{ config(schema='gold', access='public') }}

{%- set calibration_end = var('min_train') + var('calibration_sessions') -%}
{%- set test_start = calibration_end + var('embargo_sessions') %}

with

sessions as (
    select * from {{ ref('int_gold_sessions') }}
),

-- A fold is there if a session is left to test.
numbered as (
    select unnest(range(
        0, greatest(max(session_nr) - {{ test_start }} + {{ var('test_sessions') }} - 1, 0)
        // {{ var('test_sessions') }}
    )) as fold
    from sessions
),

placed as (
    select
        numbered.fold,
        sessions.session_date,
        sessions.session_nr - {{ var('test_sessions') }} * numbered.fold as place
    from numbered
    cross join sessions
    where place <= {{ test_start + var('test_sessions') }}
),

-- Whole sessions part training from test: a label ends in the session that it begins in.
folds as (
    select
        fold,
        session_date,
        case
            when place <= {{ var('min_train') }} then 'train'
            when place <= {{ calibration_end }} then 'calibration'
            when place <= {{ test_start }} then 'embargo'
            else 'test'
        end as role
    from placed
)

select * from folds
order by fold, session_date
