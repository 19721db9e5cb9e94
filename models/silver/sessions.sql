with

session as (
    select * from {{ ref('int_session') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

lead_lag as (
    select * from {{ ref('int_lead_lag') }}
),

-- How far the future leads, and how much more it leads than it follows.
leads as (
    select
        {%- for pair in ['spx', 'implied'] %}
        {%- set of_pair = "pair = '" ~ pair ~ "'" %}
        any_value(theta_ms) filter ({{ of_pair }} and is_lead and rho is not null)
            as lead_ms_{{ pair }},
        sum(rho ** 2 order by theta_ms) filter ({{ of_pair }} and theta_ms > 0)
        / nullif(sum(rho ** 2 order by theta_ms) filter ({{ of_pair }} and theta_ms < 0), 0)
            as lead_llr_{{ pair }}{{ ',' if not loop.last }}
        {%- endfor %}
    from lead_lag
),

sessions as (
    select
        -- keys
        session.session_date,

        -- calendar
        session.has_rth,
        session.reason as calendar_note,

        -- front month
        front_month.front_month,
        front_month.front_month_volume,
        front_month.dominance_ratio,
        front_month.runner_up_symbol,
        front_month.runner_up_ratio,
        front_month.contract_count,
        front_month.is_roll_contaminated,
        front_month.causal_front_month,

        -- clock
        session.trade_date_start_ns,
        session.premarket_start_ns,
        session.rth_start_ns,
        session.opening_range_end_ns,
        session.event_end_ns,
        session.rth_end_ns,
        session.trade_date_end_ns,
        {{ new_york_timestamp('session.rth_start_ns') }} as rth_start_et,
        {{ new_york_timestamp('session.rth_end_ns') }} as rth_end_et,

        -- lead and lag
        leads.lead_ms_spx,
        leads.lead_llr_spx,
        leads.lead_ms_implied,
        leads.lead_llr_implied
    from session
    inner join front_month using (session_date)
    cross join leads
)

select * from sessions
