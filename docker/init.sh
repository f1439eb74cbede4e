#!/bin/sh
# Once, before anything else starts: databases, the first login, pools, warehouse. Running it again does no harm.
set -eu
airflow db migrate
airflow users create --role Admin --username "$ADMIN_LOGIN" --password "$ADMIN_PASSWORD" \
    --firstname Data --lastname Flow --email "$ADMIN_LOGIN@localhost"
dataflow init
