with

events as (
    select * from {{ ref('int_events') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

near_flows as (
    select * from {{ ref('int_event_near_flow') }}
),

-- Without a change in the window it is 0, without a state unknown.
int_event_near_ofi as (
    select
        events.event_id
        {%- for window in list_var('ofi_windows_s') %},
        case
            when window_{{ window }}.window_s is not null
                then coalesce(near_{{ window }}.ofi_near_level, 0)
        end as ofi_near_level_{{ window }}s
        {%- endfor %}
    from events
    {%- for window in list_var('ofi_windows_s') %}
    left join windows as window_{{ window }}
        on
            events.event_ts_ns = window_{{ window }}.anchor_ts_ns
            and window_{{ window }}.window_s = {{ window }}
    left join near_flows as near_{{ window }}
        on
            events.event_id = near_{{ window }}.event_id
            and near_{{ window }}.window_s = {{ window }}
    {%- endfor %}
)

select * from int_event_near_ofi
