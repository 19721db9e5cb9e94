{%- set baselines = ['base_rate', 'null', 'null_calibrated'] -%}

with

predictions as (
    select distinct
        run_id,
        target,
        model,
        feature_set
    from {{ ref('stg_research__predictions') }}
),

numbered as (
    select
        row_number() over (order by run_id, target, model, feature_set) as candidate_nr,
        *
    from predictions
),

-- What each is compared with, by the number of that.
int_candidates as (
    select
        numbered.*,
        {%- for baseline in baselines %}
        of_{{ baseline }}.candidate_nr as {{ baseline }}_nr,
        {%- endfor %}
        whole.candidate_nr as full_nr
    from numbered
    {%- for baseline in baselines %}
    left join numbered as of_{{ baseline }}
        on
            numbered.run_id = of_{{ baseline }}.run_id
            and numbered.target = of_{{ baseline }}.target
            and of_{{ baseline }}.model = '{{ baseline }}'
    {%- endfor %}
    left join numbered as whole
        on
            numbered.run_id = whole.run_id
            and numbered.target = whole.target
            and numbered.model = whole.model
            and numbered.feature_set <> 'full'
            and whole.feature_set = 'full'
)

select * from int_candidates
order by candidate_nr
