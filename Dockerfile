# syntax=docker/dockerfile:1
# The image of every service in docker-compose.yaml. The base is any Debian-like image with Python 3.11 to 3.13;
# where it has none, Debian's own is installed.
ARG BASE_IMAGE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
RUN python3 -c 'import venv, ensurepip' 2> /dev/null \
    || { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*; }
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/dataflow
# Dependencies first: they change less often than the project. A registry of your own comes in as a secret, not a layer:
# --secret id=pip,src=pip.conf
COPY requirements.lock ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip install --quiet --require-hashes --only-binary :all: --no-deps -r requirements.lock
COPY . .
RUN pip install --quiet --no-build-isolation --no-deps . && rm -rf build
# The tree is read-only where it runs, so dbt's manifests are made here.
RUN DATAFLOW_PROJECT=/opt/dataflow DO_NOT_TRACK=1 dataflow dbt compile

FROM ${BASE_IMAGE}
RUN command -v python3 > /dev/null \
    || { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*; }
RUN useradd --uid 50000 --create-home --shell /usr/sbin/nologin dataflow \
    && install -d -o dataflow -g dataflow /opt/airflow /opt/airflow/logs /var/lib/dataflow
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/dataflow /opt/dataflow
# Where `dataflow workflow run` keeps its sandboxes; nothing else of the project is written to.
RUN install -d -o dataflow -g dataflow /opt/dataflow/.dataflow
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATAFLOW_PROJECT=/opt/dataflow \
    DATAFLOW_LANDING=/var/lib/dataflow/landing \
    DATAFLOW_WAREHOUSE=/var/lib/dataflow/warehouse.duckdb \
    DATAFLOW_WAREHOUSE_DATA=/var/lib/dataflow/lake \
    DATAFLOW_PUBLISHED=/var/lib/dataflow/published \
    DATAFLOW_SCRATCH=/var/lib/dataflow/scratch \
    DATAFLOW_OPS=sqlite:////var/lib/dataflow/ops.db \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/dataflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/dataflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__COSMOS__ENABLE_DAG_VERSIONING=False \
    AIRFLOW__COSMOS__CACHE_DIR=/opt/airflow/cosmos \
    AIRFLOW__COSMOS__ENABLE_WATCHER_RELIABLE_RETRY=False \
    AIRFLOW__COSMOS__ENABLE_TELEMETRY=False \
    DBT_SEND_ANONYMOUS_USAGE_STATS=false \
    DO_NOT_TRACK=1 \
    SCARF_ANALYTICS=false
USER 50000:50000
WORKDIR /opt/airflow
EXPOSE 8080
CMD ["airflow", "version"]
