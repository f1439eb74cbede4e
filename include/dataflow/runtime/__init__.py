"""One step, run: its window, context, call and record. Knows no Airflow."""
