"""Whole runs in this process and without Airflow, as ``dataflow workflow run`` and tests make them."""
