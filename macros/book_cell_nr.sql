{#- The cell of a book row at `ts_ns`, beside its second: 1 + how many boundaries lie before it. A
    window whose ends are boundaries is a whole number of cells, so sums by cell are exact at record
    granularity. -#}
{% macro book_cell_nr(ts_ns) -%}
    seconds.boundaries_before + 1 + case
        when seconds.boundaries_within is null then 0
        else len(list_filter(seconds.boundaries_within, lambda b: b < {{ ts_ns }}))
    end
{%- endmacro %}
