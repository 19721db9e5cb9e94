{{ config(materialized='view') }}

-- Python models see neither vars nor the run: this row hands them over.
with

partitions as (
    select * from {{ ref('stg_bronze__partitions') }}
),

inputs as (
    select
        to_json(list(
            struct_pack(feed := feed, trade_date := trade_date, status := status, sha256 := sha256)
            order by feed, trade_date
        )) as bronze_json
    from partitions
),

session_params as (
    select
        date '{{ session_date() }}' as session_date,
        {{ var('horizon_minutes') }} * 60000000000::bigint as horizon_ns,
        {{ var('outcome_threshold') }}::double as outcome_threshold,
        {{ var('strength_threshold') }}::double as strength_threshold,
        {{ list_var('scaled_barriers') }}::double[] as scaled_barriers,
        {{ var('iv_min') }}::double as iv_min,
        {{ var('iv_max') }}::double as iv_max,
        {{ var('risk_free_rate') }}::double as risk_free_rate,
        ({{ var('lead_lag_max_gap_s') }} * 1000000000::bigint)::bigint as lead_lag_max_gap_ns,
        '{{ vars_json('project_var_names') }}' as vars_json,
        bronze_json,
        '{{ run_started_at }}' as run_started_at,
        {{ sql_text(invocation_args_dict.project_dir) }} as project_dir,
        {{ var('publish_empty') }}::boolean as publish_empty,
        {{ invocation_args_dict.empty or false }}::boolean as is_empty_run
    from inputs
)

select * from session_params
