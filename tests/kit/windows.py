"""One workflow that is run again and again, as far as its windows go: no data is read."""

from __future__ import annotations

from dataflow.ops.history import History
from dataflow.ops.stages import insert_moment
from dataflow.runtime.recording import stage_key
from dataflow.runtime.window import RunWindow, window_of_run
from kit.runs import EVENTS, Engine, day, days, make_workflow

__all__ = ["INCREMENTAL", "ON_ASSET", "House"]

ON_ASSET = {"schedule": {"assets": ["warehouse/shop/orders"]}}
INCREMENTAL = {"sources": {"events": EVENTS | {"incremental": {"cursor": "at"}}}}


class House:
    """One workflow, its engine and its history."""

    def __init__(self, history: History, **config: object) -> None:
        self.history = history
        self.workflow = make_workflow(**config)
        self.engine = Engine(self.workflow)

    def start(self, run_id: str, **given: object) -> RunWindow:
        return window_of_run(self.history, self.workflow, request=self.engine.request(run_id, **given))

    def run(self, run_id: str, **given: object) -> RunWindow:
        """Start the run, let it land every source, and succeed."""
        window = self.start(run_id, **given)
        self.land(run_id, *self.workflow.spec.sources)
        self.engine.states[run_id] = "success"
        return window

    def land(self, run_id: str, *sources: str) -> None:
        for source in sources:
            key = stage_key(
                self.workflow, self.engine.request(run_id, task_id=f"ingest.{source}"), stage="INGESTED", table=source
            )
            with self.history.write() as connection:
                insert_moment(connection, key)

    def tick(self, run_id: str, number: int, **given: object) -> RunWindow:
        """Run one day's tick to success."""
        return self.run(run_id, interval=days(number, number + 1), run_after=day(number + 1), **given)
