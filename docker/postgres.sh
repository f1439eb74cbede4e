#!/bin/sh
# On the first start of an empty volume: one database and one role for Airflow's metadata, one of each for run history.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    --set airflow_password="$AIRFLOW_DB_PASSWORD" --set dataflow_password="$DATAFLOW_DB_PASSWORD" << 'SQL'
create role airflow login password :'airflow_password';
create database airflow owner airflow;
create role dataflow login password :'dataflow_password';
create database dataflow owner dataflow;
SQL
