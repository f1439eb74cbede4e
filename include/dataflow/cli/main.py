"""The program ``dataflow``: exit code 0 done, 1 the user's input is wrong, 2 the run failed."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from dataflow.cli.commands import (
    config,
    dbt,
    init,
    maintenance,
    quarantine,
    query,
    runs,
    service,
    source,
    table,
    workflow,
    workflow_explain,
    workflow_init,
    workflow_test,
)
from dataflow.cli.console import err, print_problems
from dataflow.errors import ConfigError, DataflowError, InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="dataflow",
    help="Workflows from one folder of YAML and small Python modules, on Apache Airflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("init")(init.init)
app.command("query")(query.query)
workflow.app.command("init")(workflow_init.init_workflow)
workflow.app.command("explain")(workflow_explain.explain_workflow)
workflow.app.command("test")(workflow_test.run_tests)
app.add_typer(workflow.app, name="workflow")
app.add_typer(source.app, name="source")
app.add_typer(config.app, name="config")
app.add_typer(runs.app, name="runs")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(dbt.app, name="dbt")
app.add_typer(table.app, name="table")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(service.app, name="service")

WRONG_INPUT, RUN_FAILED = 1, 2


def main() -> None:
    """Run the program; our errors are told in their own words, without a traceback."""
    try:
        app()
    except ConfigError as error:
        print_problems(error.problems)
        sys.exit(WRONG_INPUT)
    except ValidationError as error:
        for wrong in error.errors():
            name = "_".join(str(part) for part in wrong["loc"]).upper()
            err.print(f"DATAFLOW_{name}: {wrong['msg']}", markup=False)
        sys.exit(WRONG_INPUT)
    except InputError as error:
        err.print(str(error), markup=False)
        sys.exit(WRONG_INPUT)
    except DataflowError as error:
        err.print(str(error), markup=False)
        sys.exit(RUN_FAILED)
