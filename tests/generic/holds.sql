{#- Proves that `claim`, a boolean SQL expression, is true of every row. Unknown is not true: write
    the claim so that it says what NULL means. -#}
{% test holds(model, claim) %}

select *
from {{ model }}
where ({{ claim }}) is not true

{% endtest %}
