{#- The kinds of level that the var `level_kinds` declares, in its order, each with what its price is:
    the `extreme`, high or low, of the trades in [from, to), known at `valid_from`; the mean of the last
    `bar_count` closes; or what `model` says. Nothing of the var reaches SQL unchecked. -#}
{% macro level_kinds() %}
    {%- set kinds = [] -%}
    {%- set given = var('level_kinds') -%}
    {%- if given is string or given is mapping or given is not sequence or not given -%}
        {{ exceptions.raise_compiler_error('level_kinds: expected a list of kinds, got ' ~ given) }}
    {%- endif -%}
    {%- for declared in given -%}
        {%- set fault = level_kind_fault(declared) -%}
        {%- if fault -%}
            {{ exceptions.raise_compiler_error('level_kinds: ' ~ declared ~ ' ' ~ fault) }}
        {%- endif -%}
        {%- set range = declared.get('high_of', declared.get('low_of', [none, none])) -%}
        {%- do kinds.append({
            'kind': declared.kind,
            'extreme': 'high' if 'high_of' in declared else 'low' if 'low_of' in declared else none,
            'from': range[0],
            'to': range[1],
            'valid_from': declared.get('valid_from', range[1]),
            'bar_count': declared.get('mean_of_bars'),
            'model': declared.get('model'),
        }) -%}
    {%- endfor -%}
    {%- set names = kinds | map(attribute='kind') | list -%}
    {%- if names | unique | list != names -%}
        {{ exceptions.raise_compiler_error('level_kinds: expected each kind once, got ' ~ names) }}
    {%- endif -%}
    {{ return(kinds) }}
{% endmacro %}

{#- What is wrong with the declaration of one kind, in words; empty if nothing is. -#}
{% macro level_kind_fault(declared) -%}
    {%- set ways = ['high_of', 'low_of', 'mean_of_bars', 'model'] -%}
    {%- set times = [
        'trade_date_start', 'premarket_start', 'rth_start', 'opening_range_end', 'event_end',
        'rth_end',
    ] -%}
    {%- if declared is not mapping -%}
        is no mapping of kind, family and one of {{ ways | join(', ') }}
    {%- elif declared | reject('in', ways + ['kind', 'family', 'valid_from']) | list -%}
        has a key that is none of kind, family, {{ ways | join(', ') }}, valid_from
    {%- elif not modules.re.fullmatch(
        '[A-Z][A-Z0-9]*(_[A-Z0-9]+)*(?<!_ATR)', declared.kind | string
    ) -%}
        needs a kind in capitals, such as PM_HIGH, that does not end in _ATR as columns in ATRs do
    {%- elif not modules.re.fullmatch('[a-z][a-z0-9_]*', declared.family | string) -%}
        needs a family in small letters, such as premarket
    {%- elif ways | select('in', declared) | list | length != 1 -%}
        needs exactly one of {{ ways | join(', ') }}
    {%- elif 'model' in declared
        and not modules.re.fullmatch('int_levels_[a-z0-9_]+', declared.model | string) -%}
        needs the name of a model, int_levels_...
    {%- elif 'mean_of_bars' in declared
        and (declared.mean_of_bars is not integer or declared.mean_of_bars < 1) -%}
        needs a whole number of bars, at least 1
    {%- elif 'high_of' in declared or 'low_of' in declared -%}
        {%- set range = declared.get('high_of', declared.get('low_of')) -%}
        {%- if range is string or range is not sequence or range | length != 2 -%}
            needs two times, from and to
        {%- else -%}
            {%- for time in range + [declared.get('valid_from', 'rth_start')]
                if time not in times and not is_clock_time(time) -%}
                {{ ', and ' if not loop.first }}has the time {{ time }}, neither HH:MM nor one of
                {{- ' ' ~ times | join(', ') }}
            {%- endfor -%}
        {%- endif -%}
    {%- elif 'valid_from' in declared -%}
        takes valid_from only beside high_of or low_of
    {%- endif -%}
{%- endmacro %}
