with

quality as (
    select * from {{ ref('int_bronze_quality') }}
),

session as (
    select * from {{ ref('int_session') }}
),

feeds as (
    select
        quality.*,
        session.has_rth
    from quality
    inner join session using (session_date)
    where quality.partition_status = 'ok'
),

-- Gate, feeds it judges, what it measures of each, whether the largest or smallest value counts,
-- and its threshold.
int_gate_quality as (
    {%- for gate, feed, measure, worst, threshold in [
        ('every_record_is_there_once', '.*', 'duplicate_count', 'max', '0'),
        ('files_lie_in_time_order', '.*/(mbp10|nbbo)', 'out_of_order_count', 'max', '0'),
        ('book_has_no_gap', 'futures/mbp10', 'if(has_rth, longest_gap_s, null)', 'max',
            var('book_max_gap_s')),
        ('book_is_not_crossed', 'futures/mbp10', 'crossed_share', 'max',
            var('book_max_crossed_share')),
        ('book_is_vouched_for', 'futures/mbp10', 'bad_book_share', 'max', var('book_max_bad_share')),
        ('records_arrive_in_time', 'futures/(mbp10|trades)', 'late_share', 'max',
            var('max_late_share')),
        ('instruments_are_defined', '.*', 'defined_share', 'min', var('min_defined_share')),
        ('chain_is_there', 'options/nbbo', 'if(has_rth, option_count, null)', 'min', '1'),
        ('quotes_give_a_volatility', 'options/nbbo', 'iv_known_share', 'min',
            var('min_iv_known_share')),
        ('parity_holds', 'options/nbbo', 'parity_share', 'min', var('min_parity_share')),
        ('open_interest_is_published', 'options/nbbo', 'open_interest_share', 'min',
            var('min_open_interest_share')),
        ('option_flow_has_a_side', 'options/trades', 'sided_share', 'min', var('min_sided_share')),
    ] %}
    select
        '{{ gate }}' as gate,
        {{ worst }}({{ measure }})::double as measured,
        {{ threshold }}::double as threshold,
        arg_{{ worst }}(feed, {{ measure }}) as detail
    from feeds
    where regexp_full_match(feed, '{{ feed }}')
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from int_gate_quality
