with

sessions as (
    select
        *,
        loss_null_calibrated - loss as gain
    from {{ ref('int_session_gains') }}
),

strata as (
    select
        candidate_nr,
        stratum_kind,
        stratum,
        count(*) as sessions,
        sum(weight order by session_date) as effective_n
        {%- for name, measure in {
            'log_loss': 'loss',
            'brier': 'brier',
            'log_loss_base_rate': 'loss_base_rate',
            'log_loss_null': 'loss_null',
            'log_loss_null_calibrated': 'loss_null_calibrated',
            'gain': 'gain',
            'gain_move': 'gain_move',
            'gain_side': 'gain_side',
        }.items() %},
        sum({{ measure }} order by session_date) / sum(weight order by session_date) as {{ name }}
        {%- endfor %},
        list(gain order by session_date) as sums,
        list(weight order by session_date) as weights,
        list(gain / weight order by session_date) as gains,
        list(gain_move / weight order by session_date) as moves,
        list(gain_side / weight order by session_date) as sides
    from sessions
    group by candidate_nr, stratum_kind, stratum
    having sum(weight order by session_date) >= {{ fewest_effective_events() }}
),

measured as (
    select
        *,
        gain / log_loss_null_calibrated as skill,
        {{ clustered_error('sums', 'weights', 'gain', 'effective_n') }} as gain_se,
        list_transform(gains, lambda g: g - list_avg(gains)) as deviations
    from strata
),

-- Moments are those of the sessions, which are as many as T of them; a normal's kurtosis is 3.
int_stratum_gains as (
    select
        * exclude (sums, weights, gains, moves, sides, deviations),
        list_avg(gains) / nullif(list_stddev_samp(gains), 0) as gain_ratio,
        list_avg(list_transform(deviations, lambda d: d ** 3))
        / nullif(list_avg(list_transform(deviations, lambda d: d ** 2)) ** 1.5, 0) as skewness,
        list_avg(list_transform(deviations, lambda d: d ** 4))
        / nullif(list_avg(list_transform(deviations, lambda d: d ** 2)) ** 2, 0) as kurtosis,
        {{ t_if_worth('gain', mean_t('gains')) }} as skill_t,
        {{ t_if_worth('gain', 'gain / nullif(gain_se, 0)') }} as skill_z,
        {{ t_if_worth('gain_move', mean_t('moves')) }} as move_t,
        {{ t_if_worth('gain_side', mean_t('sides')) }} as side_t,
        2.8 * gain_se / log_loss_null_calibrated as detectable
    from measured
)

select * from int_stratum_gains
order by candidate_nr, stratum_kind, stratum
