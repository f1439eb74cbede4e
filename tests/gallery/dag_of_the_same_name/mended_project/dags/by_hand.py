from airflow.sdk import DAG

first = DAG("by_hand")
