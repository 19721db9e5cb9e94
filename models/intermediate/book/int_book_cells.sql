with

book as (
    select * from {{ ref('int_book_rows') }}
),

seconds as (
    select * from {{ ref('int_book_seconds') }}
),

ladders as (
    select
        ts_ns,
        ask_px_00 - bid_px_00 as spread,
        {%- for side in ['bid', 'ask'] %}
        {{ ladder_is_full(side) }} as {{ side }}_is_full,
        (
            case
                when {{ side }}_is_full then {{ full_ladder_size(side) }}
                else {{ ladder_size(side) }}
            end
        )::double as {{ side }}_size,
        case when {{ side }}_is_full then 10 else {{ ladder_count(side) }} end as {{ side }}_count
        {{- ',' if not loop.last }}
        {%- endfor %}
    from book
),

ladders_in_cells as (
    select
        {{ book_cell_nr('ladders.ts_ns') }} as cell_nr,
        ladders.*
    from ladders
    inner join seconds on ladders.ts_ns // 1000000000 = seconds.second
),

-- Sums of whole numbers only, so that they are exact and no order of rows can change them. A mean
-- of sizes over fewer than all levels is kept as a multiple of 1 / lcm(1..10) or 1 / lcm(1..20).
int_book_cells as (
    select
        cell_nr,
        max(ts_ns) as last_ts_ns,
        count(*) as row_count,
        count(*) filter (spread > 0) as spread_row_count,
        coalesce(sum(round(spread * 1e9)) filter (spread > 0), 0) as spread_nano_sum,
        {%- for side in ['bid', 'ask'] %}
        count(*) filter ({{ side }}_count > 0) as {{ side }}_row_count,
        sum({{ side }}_size) filter ({{ side }}_is_full) as {{ side }}_full_sum,
        coalesce(sum(
            case
                when not {{ side }}_is_full and {{ side }}_count > 0
                    then {{ side }}_size::hugeint * (2520 // {{ side }}_count)
            end
        ), 0) as {{ side }}_partial_sum,
        {%- endfor %}
        count(*) filter (bid_count + ask_count > 0) as both_row_count,
        sum(bid_size + ask_size) filter (bid_is_full and ask_is_full) as both_full_sum,
        coalesce(sum(
            case
                when not (bid_is_full and ask_is_full) and bid_count + ask_count > 0
                    then (bid_size + ask_size)::hugeint * (232792560 // (bid_count + ask_count))
            end
        ), 0) as both_partial_sum
    from ladders_in_cells
    group by cell_nr
)

select * from int_book_cells
order by cell_nr
