from airflow.sdk import DAG, dag

first = DAG("by_hand")
second = DAG(dag_id="dag_of_the_same_name")


@dag("dag_of_the_same_name")
def third():
    pass
