-- Python models see neither vars nor the run: this row hands them over.
with

evaluation_params as (
    select
        evaluation_inputs() as inputs_json,
        '{{ vars_json('evaluation_var_names') }}' as vars_json,
        '{{ run_started_at }}' as run_started_at,
        {{ sql_text(invocation_args_dict.project_dir) }} as project_dir
)

select * from evaluation_params
