"""The page and the API inside the Airflow UI."""
