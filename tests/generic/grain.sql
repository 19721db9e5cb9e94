{#- Proves a model's grain: no two rows share the values of `columns`, and none of them is NULL. -#}
{% test grain(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by all
having count(*) > 1 or {{ columns | join(' is null or ') }} is null

{% endtest %}
