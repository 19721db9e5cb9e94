{{ config(schema='scores') }}

with

calibration as (
    select
        run_id,
        fold,
        target,
        model,
        feature_set,
        a,
        slope
        {%- for class in score_classes() %},
        bias_{{ class }}
        {%- endfor %},
        events
    from {{ ref('stg_research__calibration') }}
)

select * from calibration
order by run_id, target, model, feature_set, fold
