"""The API at ``/dataflow/api`` and the page's files at ``/dataflow/static``, mounted by the plugin."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from dataflow.errors import InputError, TransientError
from dataflow.web.airflow_access import Caller, rights_of_caller, trigger_in_airflow
from dataflow.web.answers import ProblemsAnswer, WorkflowsAnswer
from dataflow.web.catalogue import healthy_spec, visible_detail, visible_problems, visible_workflow, visible_workflows
from dataflow.web.cross_site import refuse_cross_site
from dataflow.web.detail_answers import RunDetail, WorkflowDetail
from dataflow.web.stories import known_history, tell_run

__all__ = ["create_app"]

router = APIRouter(redirect_slashes=False, dependencies=[Depends(rights_of_caller)])
# So no route answers before its caller is known, also one that forgets to ask who calls.


class RunBody(BaseModel):
    """What a run is given; all of it may be left out."""

    model_config = ConfigDict(extra="forbid")

    params: dict[str, Any] = Field(default_factory=dict)
    """Values for the workflow's params, checked by Airflow."""
    note: str | None = None
    """Kept with the run."""
    partition_key: str | None = None
    """Which partition to run, for a partitioned workflow."""
    logical_date: datetime | None = None
    """Leave it out for the last complete window."""


@router.get("/workflows")
@router.get("/workflows/", include_in_schema=False)
def list_workflows(caller: Caller) -> WorkflowsAnswer:
    """Give every workflow that the caller may read, and every problem."""
    return visible_workflows(caller)


@router.get("/workflows/{dag_id}")
@router.get("/workflows/{dag_id}/", include_in_schema=False)
def show_workflow(dag_id: str, caller: Caller) -> WorkflowDetail:
    """Give one workflow: its config, what waits in quarantine, and what its anomaly checks measured.

    Raises:
        HTTPException: 403 where the caller may not read it, 404 where there is none.
    """
    if not caller.may_read([dag_id]):
        raise HTTPException(403, "Forbidden")
    workflow = visible_detail(caller, dag_id)
    if workflow is None:
        raise HTTPException(404, f"no workflow {dag_id!r}")
    return workflow


@router.get("/workflows/{dag_id}/runs/{run_id}")
@router.get("/workflows/{dag_id}/runs/{run_id}/", include_in_schema=False)
def show_run(dag_id: str, run_id: str, caller: Caller) -> RunDetail:
    """Give one run as run history keeps it: stages, checks with failing rows, anomalies, what it quarantined.

    Raises:
        HTTPException: 403 where the caller may not read the workflow, 404 where run history does not know the run (none
            of its tasks has begun), 503 where run history does not answer.
    """
    if not caller.may_read([dag_id]):
        raise HTTPException(403, "Forbidden")
    unknown = HTTPException(404, f"run history knows no run {run_id!r} of {dag_id!r}")
    try:
        history = known_history()
        if history is None:
            raise unknown
        return tell_run(history, dag_id, run_id, spec=healthy_spec(caller, dag_id))
    except InputError:
        raise unknown from None
    except TransientError as error:
        raise HTTPException(503, str(error)) from None


@router.get("/problems")
@router.get("/problems/", include_in_schema=False)
def list_problems(caller: Caller) -> ProblemsAnswer:
    """Give the problems of every config that the caller may read."""
    return ProblemsAnswer(problems=visible_problems(caller))


def _triggerable(dag_id: str, caller: Caller) -> str:
    """Give the id of a workflow that is there and that the caller may run. It reads the database: never in the loop."""
    if not caller.may_trigger([dag_id]):
        raise HTTPException(403, "Forbidden")
    workflow = visible_workflow(caller, dag_id)
    if workflow is None:
        raise HTTPException(404, f"no workflow {dag_id!r}")
    if workflow.state == "broken":
        raise HTTPException(409, f"the config of {dag_id!r} is broken; GET /dataflow/api/workflows/{dag_id} tells why")
    return dag_id


@router.post("/workflows/{dag_id}/run", dependencies=[Depends(refuse_cross_site)])
@router.post("/workflows/{dag_id}/run/", dependencies=[Depends(refuse_cross_site)], include_in_schema=False)
async def run_workflow(dag_id: Annotated[str, Depends(_triggerable)], body: RunBody, request: Request) -> Response:
    """Start a run through Airflow's own endpoint, with the caller's rights; Airflow's answer is passed on."""
    wanted: dict[str, Any] = {
        "logical_date": body.logical_date.isoformat() if body.logical_date else None,
        "conf": body.params,
        "note": body.note,
    }
    if body.partition_key is not None:
        wanted["partition_key"] = body.partition_key
    answer = await trigger_in_airflow(dag_id, wanted, request.headers)
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


class PageFiles(StaticFiles):
    """The page's files. A browser asks each time whether its copy is current, so that no two versions mix."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Serve one file, or 304 where the browser has it."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def create_app() -> FastAPI:
    """Make the app; its generated docs are off, for they would answer anonymously."""
    app = FastAPI(title="dataflow", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router, prefix="/api")
    app.mount("/static", PageFiles(directory=Path(__file__).with_name("static")), name="static")
    return app
