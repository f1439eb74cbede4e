"""Every setting of an installation: a ``DATAFLOW_*`` variable, from the environment or the project's ``.env``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dataflow.duckdb_memory import Memory, parse_memory
from dataflow.ducklake import FORMS, DuckLake, is_ducklake
from dataflow.durations import format_duration, parse_duration
from dataflow.errors import FatalError
from dataflow.http.policy import HostPolicy
from dataflow.paths import find_project
from dataflow.s3.place import S3Place, is_s3

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Settings", "current_settings", "parse_reach", "wrong_settings"]

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def _place(value: object) -> object:
    return S3Place.parse(value) if isinstance(value, str) and is_s3(value) else value


Place = Annotated[Path | S3Place, NoDecode, BeforeValidator(_place)]


def parse_reach(given: str | Iterable[Path | S3Place | str]) -> tuple[Path | S3Place | str, ...]:
    """Read a comma-separated list of files, folders and addresses.

    Raises:
        ValueError: when something of it is none of these.
    """
    if not isinstance(given, str):
        return tuple(given)
    return tuple(_reached(each) for each in map(str.strip, given.split(",")) if each)


def _reached(text: str) -> Path | S3Place | str:
    if is_s3(text):
        return S3Place.parse(text)
    if re.match(r"https?://[^/@]+(/|$)", text):
        return text
    if re.match(r"[a-z0-9]+:/", text):
        raise ValueError(
            "models may reach files and folders of a disk, s3://connection@bucket/folder and https://host/folder "
            "without a password"
        )
    return Path(text)


Reach = Annotated[tuple[Path | S3Place | str, ...], NoDecode, PlainValidator(parse_reach)]


def _hosts(text: str) -> str:
    HostPolicy.parse(text)
    return text


def _parse_warehouse(given: Path | DuckLake | str) -> Path | DuckLake:
    if isinstance(given, DuckLake):
        return given
    if is_ducklake(given):
        return DuckLake.parse(str(given))
    if re.match(r"[a-z0-9]+:", str(given)):
        raise ValueError("the warehouse is a DuckDB file on a disk, or a DuckLake; " + FORMS)
    return Path(given)


Warehouse = Annotated[Path | DuckLake, NoDecode, PlainValidator(_parse_warehouse)]


class Settings(BaseSettings):
    """Where data lies and how long to wait. Relative paths are relative to the project root."""

    model_config = SettingsConfigDict(env_prefix="DATAFLOW_", extra="ignore", frozen=True)

    project: Path = Field(default_factory=find_project)
    """The folder that holds ``include/workflows``; found upwards from the current one."""
    environment: str = ""
    """Which ``config.<environment>.yaml`` is laid over each ``config.yaml``; none when empty."""
    landing: Place = Path(".dataflow/landing")
    """Where ingested batches lie as Parquet: a folder, or ``s3://connection@bucket/folder``."""
    warehouse: Warehouse = Path(".dataflow/warehouse.duckdb")
    """Loaded tables and models: a DuckDB file, its lock beside it; or, where several machines write, a DuckLake on
    PostgreSQL: ``ducklake:<Airflow connection id>`` or ``ducklake:postgresql://user:password@host/database``."""
    warehouse_data: Place = Path(".dataflow/lake")
    """Where a DuckLake's data lies: a folder that every machine sees, or ``s3://connection@bucket/folder``."""
    published: Place = Path(".dataflow/published")
    """Where snapshots of published tables lie: a folder that every machine sees, or ``s3://connection@bucket/folder``."""
    copies: bool = True
    """Whether publishing copies to where `publish.to` says; sandboxes and tests never do."""
    scratch: Path = Path(".dataflow/scratch")
    """Where a task works; emptied when the task ends."""
    memory: Annotated[Memory, PlainValidator(parse_memory)] = Memory(1_000_000_000)
    """How much memory the DuckDB of one task may take, e.g. ``512MB``; what needs more is written to ``scratch``, the
    warehouse's to beside its file."""
    ops: str = Field(default="sqlite:///.dataflow/ops.db", repr=False)  # it may hold a password
    """SQLAlchemy URL of run history: SQLite, or ``postgresql+psycopg2://`` in production."""
    lock_timeout: Duration = timedelta(minutes=30)
    """How long a task waits for the warehouse; longer than the longest dbt build."""
    allowed_hosts: Annotated[str, AfterValidator(_hosts)] = ""
    """Hosts, addresses and networks that sources, ``wait_for`` and ``ctx.http`` may ask though they are not public,
    e.g. ``api.internal, *.corp.example, 10.20.0.0/16``. Public addresses may always be asked."""
    models_may_reach: Reach = ()
    """Files, folders and addresses that dbt models may read and write beside the warehouse, e.g.
    ``/srv/reference, s3://aws@reference/rates, https://data.example.com/rates``. By default they reach nothing else."""
    maintenance: str = "17 3 * * *"
    """When, in UTC, the DAG ``dataflow-maintenance`` deletes what is left over or too old: a cron; ``off`` for no such
    DAG."""
    keep_landing: Annotated[Duration, Ge(DAY)] = timedelta(days=90)
    """How long landed batches stay; longer where an open run or quarantined rows need them, and of a table's newest
    window."""
    keep_quarantine: Annotated[Duration, Ge(DAY)] = timedelta(days=90)
    """How long rows in quarantine stay after they were replayed or judged anew; what still waits always stays."""
    keep_snapshots: Annotated[Duration, Ge(HOUR)] = timedelta(days=1)
    """How long readers may go on with a version of a published table after the next one came; of a DuckLake, with a
    version of any table."""
    keep_history: Annotated[Duration, Ge(DAY)] = timedelta(days=365)
    """How long stages, check results and anomalies of a run stay; runs themselves, and the newest 100 runs' stories of
    each workflow, always stay."""
    dbt_project: Path = Path("dbt")
    """The dbt project."""

    @field_validator("scratch")
    @classmethod
    def _lies_on_a_disk(cls, value: Path) -> Path:
        if re.match(r"[a-z0-9]+:/", str(value)):
            raise ValueError(
                f"{value} is no folder, and a task works on a disk of its own machine; DATAFLOW_LANDING and "
                "DATAFLOW_PUBLISHED may lie in S3"
            )
        return value

    @classmethod
    def load(cls, project: Path | None = None) -> Self:
        """Read the environment and the ``.env`` of the project (the given one, else the one found).

        Raises:
            InputError: when no project is given or found.
            pydantic.ValidationError: when a variable does not parse.
        """
        root = (project or find_project()).resolve()
        settings = cls(_env_file=root / ".env", project=root)
        return settings.model_copy(update=settings._absolute(root))

    def _absolute(self, root: Path) -> dict[str, object]:
        folders = {
            name: getattr(self, name)
            for name in ("landing", "warehouse", "warehouse_data", "published", "scratch", "dbt_project")
        }
        places: dict[str, object] = {name: root / path for name, path in folders.items() if isinstance(path, Path)}
        places["models_may_reach"] = tuple(root / p if isinstance(p, Path) else p for p in self.models_may_reach)
        relative_sqlite = "sqlite:///"
        if self.ops.startswith(relative_sqlite) and not self.ops.startswith(relative_sqlite + "/"):
            places["ops"] = relative_sqlite + str(root / self.ops.removeprefix(relative_sqlite))
        return places

    def shown(self, name: str) -> str:
        """Give a setting as people may see it: a password in a URL is masked."""
        value = getattr(self, name)
        if isinstance(value, timedelta):
            return format_duration(value)
        if isinstance(value, tuple):
            return ", ".join(map(str, value))
        return re.sub(r"://([^:/@]*):[^@]*@", r"://\1:***@", str(value))

    @property
    def host_policy(self) -> HostPolicy:
        """Which hosts may be asked over HTTP."""
        return HostPolicy.parse(self.allowed_hosts)

    @property
    def lock_file(self) -> Path:
        """``<warehouse>.lock``: whoever opens the file holds it. A DuckLake has none."""
        if isinstance(self.warehouse, DuckLake):
            raise FatalError("a DuckLake has no lock file: its writers do not wait for one another")
        return self.warehouse.with_name(self.warehouse.name + ".lock")


def wrong_settings(error: ValidationError) -> str:
    """Say which variables do not parse, one a line; not what they hold, which may be a password."""
    return "\n".join(
        f"DATAFLOW_{'_'.join(map(str, wrong['loc'])).upper()}: {wrong['msg'].removeprefix('Value error, ')}"
        for wrong in error.errors(include_input=False, include_url=False)
    )


@cache
def current_settings() -> Settings:
    """Give the settings of this process; its environment does not change while it runs."""
    return Settings.load()
