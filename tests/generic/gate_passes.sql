{#- Proves that a gate of qa_gate_results has not failed. What it found and what to do stands in the
    row. -#}
{% test gate_passes(model, gate) %}

select *
from {{ model }}
where gate = '{{ gate }}' and status = 'failed'

{% endtest %}
