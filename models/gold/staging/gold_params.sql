-- Python models see neither vars nor the run: this row hands them over.
with

made_with as (
    select gold_session_vars({{ gold_range() }})::json as session_vars
),

gold_params as (
    select
        date '{{ var("gold_start") }}' as gold_start,
        date '{{ var("gold_end") }}' as gold_end,
        gold_inputs({{ gold_range() }}) as sessions_json,
        '{{ vars_json('gold_var_names') }}' as vars_json,
        (session_vars ->> 'horizon_minutes')::double as horizon_minutes,
        (session_vars ->> 'strength_threshold')::double as strength_threshold,
        (session_vars ->> 'outcome_threshold')::double as outcome_threshold,
        '{{ run_started_at }}' as run_started_at,
        {{ sql_text(invocation_args_dict.project_dir) }} as project_dir
    from made_with
)

select * from gold_params
