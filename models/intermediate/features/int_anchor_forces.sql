with

anchors as (
    select * from {{ ref('int_anchors') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

int_anchor_forces as (
    select
        anchors.anchor_id,
        anchors.dir_sign * windows.ofi_integrated / 60 as force,
        windows.both_size_per_level as mass
    from anchors
    left join windows
        on
            anchors.anchor_ts_ns = windows.anchor_ts_ns
            and windows.window_s = 60
)

select * from int_anchor_forces
