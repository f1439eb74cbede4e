"""A workflow's dbt models: what dbt is told, and what it compiled."""
