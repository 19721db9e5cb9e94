{#- Physics: what a running market always has some of. Sweeps, trades at a level not yet reached, a
    flip of gamma and option trades in a minute may well be none. -#}
{%- set features = ['approach_velocity', 'approach_distance'] -%}
{%- for h in list_var('kinematics_windows_s') -%}
    {%- for name in ['velocity', 'acceleration', 'jerk'] -%}
        {%- do features.append(name ~ '_' ~ h ~ 's') -%}
    {%- endfor -%}
{%- endfor -%}
{%- for w in list_var('ofi_windows_s') -%}
    {%- for name in ['best', 'integrated', 'near_level', 'normalized', 'imbalance'] -%}
        {%- do features.append('ofi_' ~ name ~ '_' ~ w ~ 's') -%}
    {%- endfor -%}
    {%- for name in ['best', 'integrated'] -%}
        {%- do features.append('voi_' ~ name ~ '_' ~ w ~ 's') -%}
    {%- endfor -%}
{%- endfor -%}
{%- do features.extend([
    'tape_buy_volume', 'tape_sell_volume', 'tape_imbalance', 'tape_velocity',
    'spread_ticks', 'book_imbalance_10', 'depth_defending_0', 'depth_attacking_0',
    'path_dct_0', 'flow_dct_0', 'force', 'mass', 'force_mass_ratio', 'predicted_accel',
    'accel_residual'
]) -%}
{%- set option_features = [
    'net_gex_3strike', 'flow_net_gex_3strike', 'gamma_exposure', 'dealer_charm', 'dealer_vanna',
    'dist_to_call_wall', 'dist_to_put_wall', 'atm_iv', 'skew_25d'
] -%}

{#- What ten levels show of a zone that may lie beyond them, on events that see some of it. -#}
{%- set zone_features = [
    'barrier_added', 'barrier_removed', 'barrier_delta_liq', 'barrier_replenishment_ratio',
    'barrier_churn', 'depth_in_zone', 'wall_ratio'
] -%}

with

features as (
    select * from {{ ref('int_event_features') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- A NaN is no more known than a NULL, and NULL is what is not asked of an event. All features come
-- from one scan, because a scan for each takes longer to plan than to run.
known as (
    select
        unnest([
            {%- for feature in features + zone_features + option_features %}
            '{{ feature }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ]) as feature,
        unnest([
            {%- for feature in features + zone_features + option_features %}
            case
                when
                    {%- if feature in option_features %} session.has_options_definitions
                    {%- elif feature in zone_features %}
                    coalesce(features.barrier_visible_share > 0, true)
                    {%- else %} true
                    {%- endif %}
                    then coalesce({{ feature }} <> 0 and not isnan({{ feature }}::double), false)
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ]) as is_known
    from features
    cross join session
),

covered as (
    select
        feature,
        avg(is_known::integer) as share,
        count(is_known) as event_count
    from known
    group by feature
),

int_gate_coverage as (
    select
        'features_are_covered' as gate,
        min(share) as measured,
        {{ var('coverage_min_share') }}::double as threshold,
        arg_min(feature, (share, feature)) || ' of ' || max(event_count) || ' events' as detail
    from covered
    where event_count > 0
    union all
    select
        'zone_is_visible' as gate,
        avg((coalesce(barrier_visible_share, 1) > 0)::integer) as measured,
        {{ var('min_visible_zone_share') }}::double as threshold,
        case
            when count(*) > 0
                then
                    count(*) filter (barrier_visible_share = 0) || ' of ' || count(*)
                    || ' events see none of it'
        end as detail
    from features
    where book_source_ts_ns is not null
)

select * from int_gate_coverage
