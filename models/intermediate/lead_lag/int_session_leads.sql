with

session as (
    select * from {{ ref('int_session') }}
),

lead_lag as (
    select * from {{ ref('int_lead_lag') }}
),

-- How far the future leads, and how much more it leads than it follows.
int_session_leads as (
    select
        session.session_date,
        {%- for pair in ['spx', 'implied'] %}
        {%- set of_pair = "lead_lag.pair = '" ~ pair ~ "'" %}
        any_value(lead_lag.theta_ms) filter (
            {{ of_pair }} and lead_lag.is_lead and lead_lag.rho is not null
        ) as lead_ms_{{ pair }},
        sum(lead_lag.rho ** 2 order by lead_lag.theta_ms) filter (
            {{ of_pair }} and lead_lag.theta_ms > 0
        ) / nullif(
            sum(lead_lag.rho ** 2 order by lead_lag.theta_ms) filter (
                {{ of_pair }} and lead_lag.theta_ms < 0
            ), 0
        ) as lead_llr_{{ pair }}{{ ',' if not loop.last }}
        {%- endfor %}
    from session
    cross join lead_lag
    group by session.session_date
)

select * from int_session_leads
