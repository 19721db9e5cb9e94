{#- Whether a row shows the state of the book: a trade row (T) shows the one before the trade, an N
    row none of its own, and flag 4 (F_MAYBE_BAD_BOOK) one the vendor does not vouch for. -#}
{% macro is_book_state(relation) -%}
    {{ relation }}.action not in ('T', 'N') and {{ relation }}.flags & 4 = 0
{%- endmacro %}
