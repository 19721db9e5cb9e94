{#- Proves that every one of `claims`, boolean SQL expressions by name, is true of every row, in one
    scan. Unknown is not true: write a claim so that it says what NULL means. A row of the result is
    a row of the model beside the name of a claim that fails on it. -#}
{% test holds(model, claims) %}

select
    unnest(list_filter([
        {%- for name, claim in claims.items() %}
        if(({{ claim }}) is true, null, '{{ name }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ], lambda name: name is not null)) as failed_claim,
    *
from {{ model }}
where
    (
        {%- for claim in claims.values() %}
        {{ 'and ' if not loop.first }}({{ claim }})
        {%- endfor %}
    ) is not true

{% endtest %}
