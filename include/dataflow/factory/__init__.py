"""From specs to Airflow DAGs."""
