"""The same workflows as each maker of DAGs wants them written, for `peers.py`: files in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from shop_configs import HEAD, ORDERS, REPOSITORY, RETRIES, write_configs

__all__ = ["PROJECTS"]

DATAFLOW = f"""\
{HEAD}{RETRIES}\
schedule: "0 2 * * *"
params:
  batch: {{{{type: integer, default: 5, minimum: 1, maximum: 10, description: At once}}}}
  region: {{{{type: string, enum: [north, south], default: north}}}}
  full_refresh: {{{{type: boolean, default: false}}}}
{ORDERS}\
validate:
  orders:
    - not_null: order_id
"""

DAG_FACTORY = """\
shop_{number:04}:
  dag_display_name: Orders of shop {number:04}
  description: Made-up orders, one batch a day.
  tags: [benchmark, daily]
  schedule: "0 2 * * *"
  start_date: 2025-01-01
  catchup: false
  max_active_runs: 1
  default_args:
    owner: benchmarks
    retries: 3
    retry_delay: {{__type__: datetime.timedelta, minutes: 2}}
  params:
    batch: {{__type__: airflow.sdk.Param, default: 5, type: integer, minimum: 1, maximum: 10, description: At once}}
    region: {{__type__: airflow.sdk.Param, default: north, type: string, enum: [north, south]}}
    full_refresh: {{__type__: airflow.sdk.Param, default: false, type: boolean}}
  task_groups:
    ingest: {{}}
    validate: {{}}
    transform: {{}}
  tasks:
    read_orders:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: work_of_orders.work
      task_group_name: ingest
    check_orders:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: work_of_orders.work
      task_group_name: validate
      dependencies: [read_orders]
    shape_orders:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: work_of_orders.work
      task_group_name: transform
      dependencies: [check_orders]
    publish:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: work_of_orders.work
      dependencies: [shape_orders]
"""
DAG_FACTORY_LOADER = """\
from airflow.sdk import DAG
from dagfactory import load_yaml_dags

load_yaml_dags(globals_dict=globals(), dags_folder={folder!r})
"""

BLUEPRINT = """\
dag_id: shop_{number:04}
title: Orders of shop {number:04}
description: Made-up orders, one batch a day.
owner: benchmarks
tags: [benchmark, daily]
schedule: "0 2 * * *"
start_date: "2025-01-01"
retries: 3
retry_delay_minutes: 2
steps:
  ingest:
    blueprint: ingest
    batch: 5
    region: north
    full_refresh: false
  validate:
    blueprint: validate
    depends_on: [ingest]
    not_null: order_id
  transform:
    blueprint: transform
    depends_on: [validate]
  publish:
    blueprint: publish
    depends_on: [transform]
"""
BLUEPRINT_TEMPLATES = '''\
"""What a data platform team writes once."""

from datetime import timedelta
from typing import Any, Literal

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import TaskGroup
from blueprint import BaseModel, Blueprint, BlueprintDagArgs, Field

from work_of_orders import work


class ShopDagArgsConfig(BaseModel):
    title: str
    description: str = ""
    owner: str
    tags: list[str] = []
    schedule: str
    start_date: str
    retries: int = 0
    retry_delay_minutes: int = 5


class ShopDagArgs(BlueprintDagArgs[ShopDagArgsConfig]):
    def render(self, config: ShopDagArgsConfig) -> dict[str, Any]:
        return {
            "dag_display_name": config.title,
            "description": config.description,
            "tags": config.tags,
            "schedule": config.schedule,
            "start_date": config.start_date,
            "catchup": False,
            "max_active_runs": 1,
            "default_args": {
                "owner": config.owner,
                "retries": config.retries,
                "retry_delay": timedelta(minutes=config.retry_delay_minutes),
            },
        }


class IngestConfig(BaseModel):
    batch: int = Field(default=5, ge=1, le=10, description="At once")
    region: Literal["north", "south"] = "north"
    full_refresh: bool = False


class Ingest(Blueprint[IngestConfig]):
    supports_params = True

    def render(self, config: IngestConfig) -> TaskGroup:
        with TaskGroup(group_id=self.step_id) as group:
            PythonOperator(task_id="orders", python_callable=work)
        return group


class ValidateConfig(BaseModel):
    not_null: str


class Validate(Blueprint[ValidateConfig]):
    def render(self, config: ValidateConfig) -> TaskGroup:
        with TaskGroup(group_id=self.step_id) as group:
            PythonOperator(task_id="orders", python_callable=work)
        return group


class TransformConfig(BaseModel):
    pass


class Transform(Blueprint[TransformConfig]):
    def render(self, config: TransformConfig) -> TaskGroup:
        with TaskGroup(group_id=self.step_id) as group:
            PythonOperator(task_id="orders", python_callable=work)
        return group


class PublishConfig(BaseModel):
    pass


class Publish(Blueprint[PublishConfig]):
    def render(self, config: PublishConfig) -> PythonOperator:
        return PythonOperator(task_id=self.step_id, python_callable=work)
'''
BLUEPRINT_LOADER = """\
from blueprint import build_all_airflow_dags

build_all_airflow_dags()
"""
WORK = "def work(**context):\n    return {}\n"


def write_dataflow(root: Path, workflows: int) -> Path:
    """Write our configs, and give the DAG file."""
    write_configs(root, workflows, lambda number: DATAFLOW.format(number=number))
    file = root / "dags" / "workflows.py"
    file.parent.mkdir()
    file.write_bytes((REPOSITORY / "dags" / "workflows.py").read_bytes())
    return file


def write_dag_factory(root: Path, workflows: int) -> Path:
    """Write a YAML file a DAG, what its tasks call, and the file that loads them."""
    dags = root / "dags"
    dags.mkdir(parents=True)
    for number in range(workflows):
        (dags / f"shop_{number:04}.yaml").write_text(DAG_FACTORY.format(number=number), encoding="utf-8")
    (dags / "work_of_orders.py").write_text(WORK, encoding="utf-8")
    file = dags / "loader.py"
    file.write_text(DAG_FACTORY_LOADER.format(folder=str(dags)), encoding="utf-8")
    return file


def write_blueprint(root: Path, workflows: int) -> Path:
    """Write the templates, a YAML file a DAG, and the file that loads them."""
    dags = root / "dags"
    dags.mkdir(parents=True)
    for number in range(workflows):
        (dags / f"shop_{number:04}.dag.yaml").write_text(BLUEPRINT.format(number=number), encoding="utf-8")
    (dags / "work_of_orders.py").write_text(WORK, encoding="utf-8")
    (dags / "templates.py").write_text(BLUEPRINT_TEMPLATES, encoding="utf-8")
    file = dags / "loader.py"
    file.write_text(BLUEPRINT_LOADER, encoding="utf-8")
    return file


PROJECTS = {"dataflow": write_dataflow, "dag-factory": write_dag_factory, "airflow-blueprint": write_blueprint}
