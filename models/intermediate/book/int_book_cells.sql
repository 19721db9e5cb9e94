with

pairs as (
    select * from {{ ref('int_book_pairs') }}
),

seconds as (
    select * from {{ ref('int_book_seconds') }}
),

rows_in_cells as (
    select
        {{ book_cell_nr() }} as cell_nr,
        pairs.*,
        {{ ladder_is_full('bid') }} as bid_is_full,
        {{ ladder_is_full('ask') }} as ask_is_full
    from pairs
    inner join seconds on pairs.ts_ns // 1000000000 = seconds.second
),

contributions as (
    select
        cell_nr,
        ts_ns,
        {%- for level in book_levels() %}
        case
            when is_pair then {{ ofi_side('bid', level) }} - {{ ofi_side('ask', level) }} else 0
        end as ofi_{{ level }},
        {%- endfor %}
        bid_is_full,
        ask_is_full,
        case when bid_is_full then {{ full_ladder_size('bid') }} else {{ ladder_size('bid') }} end
            as bid_size,
        case when ask_is_full then {{ full_ladder_size('ask') }} else {{ ladder_size('ask') }} end
            as ask_size,
        case when bid_is_full then 10 else {{ ladder_count('bid') }} end as bid_count,
        case when ask_is_full then 10 else {{ ladder_count('ask') }} end as ask_count
    from rows_in_cells
),

-- Sums of whole numbers only, so that they are exact and no order of rows can change them. A mean
-- of sizes over fewer than all levels is kept as a multiple of 1 / lcm(1..10) or 1 / lcm(1..20).
int_book_cells as (
    select
        cell_nr,
        count(*) as row_count,
        max(ts_ns) as last_ts_ns,
        {%- for level in book_levels() %}
        sum(ofi_{{ level }}) as ofi_{{ level }},
        {%- endfor %}
        {%- for side in ['bid', 'ask'] %}
        count(*) filter ({{ side }}_count > 0) as {{ side }}_row_count,
        sum({{ side }}_size) filter ({{ side }}_is_full) as {{ side }}_full_sum,
        coalesce(sum(
            {{ side }}_size::hugeint * (2520 // nullif({{ side }}_count, 0))
        ) filter (not {{ side }}_is_full and {{ side }}_count > 0), 0) as {{ side }}_partial_sum,
        {%- endfor %}
        count(*) filter (bid_count + ask_count > 0) as both_row_count,
        sum(bid_size + ask_size) filter (bid_is_full and ask_is_full) as both_full_sum,
        coalesce(sum(
            (bid_size + ask_size)::hugeint * (232792560 // nullif(bid_count + ask_count, 0))
        ) filter (not (bid_is_full and ask_is_full) and bid_count + ask_count > 0), 0)
            as both_partial_sum
    from contributions
    group by cell_nr
)

select * from int_book_cells
order by cell_nr
