{{ config(schema='gold', access='public') }}

with

lead_lag as (
    select * from {{ ref('stg_silver__lead_lag') }}
),

sessions as (
    select * from {{ ref('stg_silver__sessions') }}
),

leads as (
    {%- for pair in ['spx', 'implied'] %}
    select
        '{{ pair }}' as pair,
        median(lead_ms_{{ pair }}) as median_lead_ms
    from sessions
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

lead_lag_summary as (
    select
        lead_lag.pair,
        lead_lag.theta_ms,
        sum(lead_lag.rho order by lead_lag.session_date) / nullif(count(lead_lag.rho), 0)
            as mean_rho,
        count(lead_lag.rho) as sessions,
        any_value(leads.median_lead_ms)::double as median_lead_ms
    from lead_lag
    left join leads using (pair)
    group by lead_lag.pair, lead_lag.theta_ms
)

select * from lead_lag_summary
order by pair, theta_ms
