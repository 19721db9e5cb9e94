{{ config(contract={'enforced': columns_are_described()}) }}

with

labels as (
    select * from {{ ref('int_event_labels') }}
),

placebo_labels as (
    select
        -- keys
        event_id,
        session_date,

        -- outcome
        outcome,
        future_price,
        excursion_max,
        excursion_min,
        strength_signed,
        strength_abs,

        -- times from the anchor, seconds
        time_to_break_1,
        time_to_break_2,
        time_to_bounce_1,
        time_to_bounce_2,
        time_to_threshold_1,
        time_to_threshold_2,
        tradeable_1,
        tradeable_2,

        -- null model
        null_p_break,
        null_p_bounce,
        null_p_chop,
        null_p_tradeable_1,

        -- barriers in units of volatility, excursions in units of the ATR
        {{ scaled_columns() }},
        mfe_atr,
        mae_atr,

        -- sample weight and provenance
        uniqueness,
        label_end_ts_ns,
        label_first_source_ts_ns,
        label_last_source_ts_ns
    from labels
    where placebo_nr > 0
)

select * from placebo_labels
order by event_id
