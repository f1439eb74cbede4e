"""One workflow: everything that its ``config.yaml`` says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from dataflow.spec.base import Count, Duration, Flag, Name, Names, Spec, Text
from dataflow.spec.checks import Check
from dataflow.spec.notify import GivenDeadline, Notify
from dataflow.spec.params import Param
from dataflow.spec.people import Link
from dataflow.spec.resolved import ResolvedText
from dataflow.spec.retries import ErrorNames
from dataflow.spec.schedule import Schedule
from dataflow.spec.sources import Source
from dataflow.spec.steps import Steps
from dataflow.spec.transforms import Transform
from dataflow.spec.waiting import Waiting

__all__ = ["Dbt", "Load", "Publish", "WorkflowSpec"]


class Load(Spec):
    """How a table's rows get into the warehouse. Every mode is idempotent."""

    mode: Literal["replace", "append", "merge"] | None = None
    """By default ``merge`` where there is a ``key``, else ``append`` where the source is windowed, else ``replace``."""
    key: Names | None = None
    """The columns that make two rows the same."""
    newest_by: Text | None = None
    """The column that says which of two rows of one key is newer; required for ``merge`` of windowed sources."""


class Dbt(Spec):
    """How the workflow's dbt models run."""

    execution: Literal["watcher", "local"] = "watcher"
    """``watcher``: one dbt process for the group. ``local``: one for each task."""
    tests: Literal["after_each", "after_all", "none"] = "after_each"
    """When dbt tests run."""
    full_refresh: str | Flag | None = None
    """``params.<boolean>``, true or false; by default ``params.full_refresh`` where that param exists."""


class Publish(Spec):
    """What others may read."""

    models: tuple[Name, ...] = ()
    """By default all models, or the loaded tables where there are none."""
    to: ResolvedText | None = None
    """Where a further copy goes, after the snapshot: ``s3://connection@bucket/folder``, or a folder's absolute path;
    may hold templates and references. Its ``current.json``, written last, names the files that are current."""
    format: Literal["parquet"] = "parquet"
    """How the copy is written."""


class WorkflowSpec(Spec):
    """A workflow. The folder's name is the ``dag_id``."""

    name: Name
    """The folder's name; never written in the YAML."""
    extends: Name | None = None
    """The template in ``include/templates`` that the config builds on."""
    with_: dict[Name, Any] = Field(default_factory=dict, alias="with")
    """Values of the template's inputs."""
    title: Text | None = None
    """The DAG's display name."""
    description: Text
    """What it is for; shown on the page and as the DAG's description."""
    owner: Text
    """Who answers for it: a team or a person."""
    domain: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")] | None = None
    """The business domain; carried into run history."""
    owner_links: dict[Text, Link] = Field(default_factory=dict)
    """Where an owner is reached: a page or ``mailto:`` for each; Airflow links the workflow's own."""
    tags: tuple[Text, ...] = ()
    """The DAG's tags."""

    schedule: Schedule = "manual"
    """When it runs."""
    start_date: date | None = None
    """The first day that is run; required for every schedule but ``manual``, and there too for windowed sources."""
    catchup: Flag = False
    """Run the ticks that were missed."""
    max_active_runs: Annotated[Count, Field(ge=1)] = 1
    """Runs of this workflow at one time."""
    retries: Count = 2
    """Tries of a task after its first."""
    retry_delay: Duration = timedelta(minutes=1)
    """Pause before each retry."""
    retry_exponential_backoff: Flag = False
    """Double the pause each time."""
    never_retry: ErrorNames = ()
    """Errors that no retry would mend: classes of ours, Python's or the workflow's modules', or ``package.Class``."""
    execution_timeout: Duration | None = None
    """How long one task may take."""
    dagrun_timeout: Duration | None = None
    """How long a run may take."""
    deadline: GivenDeadline | None = None
    """When a run is late: ``2h``, or ``{within: 2h, of: queued}``."""
    pool: Text | None = None
    """The Airflow pool of its tasks."""
    priority_weight: Annotated[Count, Field(ge=1)] = 1
    """Which tasks come first when slots are few."""

    params: dict[Name, Param] = Field(default_factory=dict)
    """What a run can be given."""
    settings: dict[Text, Any] = Field(default_factory=dict)
    """What this workflow's own code needs: ``ctx.settings``."""

    wait_for: tuple[Waiting, ...] = ()
    """What must be there before the first step."""

    sources: Annotated[dict[Name, Source], Field(min_length=1)] = Field(default_factory=dict)
    """Where data comes from: each source gives one table. Required where there are no ``steps``."""
    validate_: dict[Name, tuple[Check, ...]] = Field(default_factory=dict, alias="validate")
    """What must hold for each table's batch."""
    transform: dict[Name, Transform] = Field(default_factory=dict)
    """How each output table is made."""
    load: dict[Name, Load] = Field(default_factory=dict)
    """How each table gets into the warehouse."""
    dbt: Dbt = Field(default_factory=Dbt)
    """How the models in ``dbt/models/<name>`` run."""
    publish: Publish = Field(default_factory=Publish)
    """What others may read of it."""
    steps: Steps | None = None
    """What happens in which order; by default ``[ingest, validate, transform, dbt, publish]``."""
    notify: tuple[Notify, ...] = ()
    """Who is told of failed, late and odd runs."""

    def public(self) -> dict[str, Any]:
        """Give the spec as JSON, as written: references stay references, defaults are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @classmethod
    def from_public(cls, value: dict[str, Any]) -> Self:
        """Read back what `public` gave."""
        return cls.model_validate(value)
