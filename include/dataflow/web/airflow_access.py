"""The one place where our windows meet Airflow: who calls, what they may do, and what Airflow knows.

`get_user` and the auth manager are Airflow's documented surface; the ORM models and the in-process call to its API are
not (they may change with a minor release), so they live here and nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import BaseSerialization
from airflow.utils.session import create_session
from fastapi import Depends
from sqlalchemy import func, select

from dataflow.web.answers import RunAnswer

__all__ = [
    "Caller",
    "DagFacts",
    "Rights",
    "configured_host",
    "dag_facts",
    "import_error_texts",
    "metadata_is_sqlite",
    "rights_of_caller",
    "trigger_in_airflow",
]

RUNS_SHOWN = 10
"""Last runs of each workflow."""


@dataclass(frozen=True, slots=True)
class DagFacts:
    """What Airflow knows of one DAG that carries a workflow."""

    carried: dict[str, Any]
    """``default_args["dataflow"]``, read from the serialized DAG."""
    is_paused: bool
    is_stale: bool
    next_run_after: datetime | None
    runs: tuple[RunAnswer, ...]
    """The last ones, the newest last."""


class Rights:
    """What the caller may do, asked of Airflow's auth manager."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._manager = get_auth_manager()

    def readable(self) -> set[str]:
        """Give the ids of every DAG in Airflow that the caller may read."""
        with create_session() as session:
            return set(self._manager.get_authorized_dag_ids(user=self._user, method="GET", session=session))

    def may_read(self, dag_ids: Iterable[str]) -> set[str]:
        """Give those that the caller may read; a DAG of that name need not be there."""
        return {
            details.id
            for details in _details(dag_ids)
            if details.id and self._manager.is_authorized_dag(method="GET", details=details, user=self._user)
        }

    def may_trigger(self, dag_ids: Iterable[str]) -> set[str]:
        """Give those that the caller may start a run of."""
        return {
            details.id
            for details in _details(dag_ids)
            if details.id
            and self._manager.is_authorized_dag(
                method="POST", access_entity=DagAccessEntity.RUN, details=details, user=self._user
            )
        }

    def may_read_import_errors(self) -> bool:
        """Tell whether the caller may read what broke while parsing; it guards problems of no one workflow."""
        return bool(self._manager.is_authorized_view(access_view=AccessView.IMPORT_ERRORS, user=self._user))


def _details(dag_ids: Iterable[str]) -> list[DagDetails]:
    wanted = sorted(dag_ids)
    teams = DagModel.get_dag_id_to_team_name_mapping(wanted)
    return [DagDetails(id=dag_id, team_name=teams.get(dag_id)) for dag_id in wanted]


def rights_of_caller(user: Annotated[Any, Depends(get_user)]) -> Rights:
    """Give the rights of whoever calls, authenticated by Airflow: 401 without a token, 403 with a bad one."""
    return Rights(user)


Caller = Annotated[Rights, Depends(rights_of_caller)]
"""A route parameter."""


def dag_facts(dag_ids: Iterable[str]) -> dict[str, DagFacts]:
    """Read the workflows among these DAGs; hand-written DAGs are left out."""
    wanted = sorted(dag_ids)
    with create_session() as session:
        carried = _carried(session, wanted)
        dags = session.scalars(select(DagModel).where(DagModel.dag_id.in_(sorted(carried))).order_by(DagModel.dag_id))
        runs = _last_runs(session, sorted(carried))
        return {
            dag.dag_id: DagFacts(
                carried=carried[dag.dag_id],
                is_paused=bool(dag.is_paused),
                is_stale=bool(dag.is_stale),
                next_run_after=dag.next_dagrun_create_after,
                runs=tuple(runs.get(dag.dag_id, ())),
            )
            for dag in dags
        }


_read_before: dict[str, tuple[str, dict[str, Any] | None]] = {}
# By dag_id: the hash of the serialized DAG and what it carries. A serialized DAG holds all of its tasks, and to read a
# thousand of them takes seconds; what each carries changes only when its hash does.


def _carried(session: Any, dag_ids: list[str]) -> dict[str, dict[str, Any]]:
    newest = (
        select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .where(DagVersion.dag_id.in_(dag_ids))
        .group_by(DagVersion.dag_id)
        .subquery()
    )
    query = (
        select(SerializedDagModel.dag_id, SerializedDagModel.dag_hash, SerializedDagModel.id)
        .join(DagVersion, SerializedDagModel.dag_version_id == DagVersion.id)
        .join(newest, (DagVersion.dag_id == newest.c.dag_id) & (DagVersion.version_number == newest.c.number))
    )
    found: dict[str, dict[str, Any] | None] = {}
    unread: dict[str, tuple[str, Any]] = {}
    for dag_id, dag_hash, row_id in session.execute(query):
        known_hash, known = _read_before.get(dag_id, ("", None))
        if known_hash == dag_hash:
            found[dag_id] = known
        else:
            unread[dag_id] = (dag_hash, row_id)
    rows = select(SerializedDagModel).where(SerializedDagModel.id.in_([row_id for _, row_id in unread.values()]))
    for row in session.scalars(rows) if unread else ():
        found[row.dag_id] = _decoded(row.data)
        _read_before[row.dag_id] = (row.dag_hash, found[row.dag_id])
    return {dag_id: value for dag_id, value in found.items() if value is not None}


def _decoded(data: Any) -> dict[str, Any] | None:
    encoded = (data or {}).get("dag", {}).get("default_args")
    value = BaseSerialization.deserialize(encoded).get("dataflow") if encoded else None
    return value if isinstance(value, dict) else None


def _last_runs(session: Any, dag_ids: list[str]) -> dict[str, list[RunAnswer]]:
    newest_first = func.row_number().over(partition_by=DagRun.dag_id, order_by=DagRun.run_after.desc()).label("place")
    ranked = select(DagRun.id, newest_first).where(DagRun.dag_id.in_(dag_ids)).subquery()
    query = (
        select(
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            DagRun.run_type,
            DagRun.run_after,
            DagRun.start_date,
            DagRun.end_date,
        )
        .join(ranked, DagRun.id == ranked.c.id)
        .where(ranked.c.place <= RUNS_SHOWN)
        .order_by(DagRun.dag_id, DagRun.run_after)
    )
    found: dict[str, list[RunAnswer]] = {}
    for run in session.execute(query):
        answer = RunAnswer(
            run_id=run.run_id,
            state=str(getattr(run.state, "value", run.state)),
            run_type=str(run.run_type),
            run_after=run.run_after,
            start_date=run.start_date,
            end_date=run.end_date,
        )
        found.setdefault(run.dag_id, []).append(answer)
    return found


def import_error_texts() -> list[str]:
    """Give the text of every import error that Airflow shows."""
    with create_session() as session:
        return [text for text in session.scalars(select(ParseImportError.stacktrace)) if text]


def metadata_is_sqlite() -> bool:
    """Tell whether Airflow's metadata database is a SQLite file."""
    return conf.get_mandatory_value("database", "sql_alchemy_conn").startswith("sqlite")


def configured_host() -> str:
    """Give the host and port of ``[api] base_url``; empty where none is set."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").netloc


async def trigger_in_airflow(dag_id: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
    """Post to Airflow's own trigger endpoint, in this process, as the caller.

    Rights, the check of params and the audit log are Airflow's own, because the caller's own credentials go along.
    """
    app = sys.modules["airflow.api_fastapi.main"].app
    passed = {name: headers[name] for name in ("authorization", "cookie") if name in headers}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://airflow") as client:
        return await client.post(f"/api/v2/dags/{dag_id}/dagRuns", json=dict(body), headers=passed)
