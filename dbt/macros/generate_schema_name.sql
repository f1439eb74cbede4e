{#- A workflow's models lie in the schema of its name, from which they are published. A model's own `schema` is added
    behind it, as in `shop_interim`. A schema elsewhere, and that of a workflow `shop_interim`, is refused. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set workflow = env_var('DATAFLOW_WORKFLOW', target.schema) -%}
    {%- if custom_schema_name is none -%}
        {{ workflow }}
    {%- else -%}
        {{ workflow }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
