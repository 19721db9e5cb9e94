with

kinds as (
    select * from {{ ref('int_level_kinds') }}
),

session as (
    select * from {{ ref('int_session') }}
),

numbered as (
    select
        level_kind,
        unnest(range({{ var('placebo_count') }} + 1)) as placebo_nr
    from kinds
),

-- A draw that anybody can repeat: the first 32 bits of a digest of what it is for.
draws as (
    select
        numbered.*,
        (
            '0x' || left(md5(
                strftime(session.session_date, '%Y%m%d')
                || '|' || numbered.level_kind
                || '|' || numbered.placebo_nr
            ), 8)
        )::bigint as draw
    from numbered
    cross join session
),

-- Prices near a level that are none (Osler 2000): whole ticks away, at least as far as a zone
-- should not reach. Number 0 is the level itself.
int_level_offsets as (
    select
        level_kind,
        placebo_nr,
        case
            when placebo_nr = 0 then 0
            else
                if(draw % 2 = 0, 0.25, -0.25)
                * floor(4 * (
                    {{ var('placebo_min_offset') }}
                    + {{ var('placebo_offset_range') }} * draw / 4294967296.0
                ))
        end::double as offset_points
    from draws
)

select * from int_level_offsets
order by level_kind, placebo_nr
