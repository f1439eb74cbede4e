"""The program ``dataflow``: exit code 0 done, 1 the user's input is wrong, 2 the run failed."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper

import typer
from pydantic import ValidationError
from typer._click.exceptions import UsageError

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
from dataflow.settings import wrong_settings

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
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


UsageError.exit_code = WRONG_INPUT  # the library's is 2, which is a run that failed here


def main() -> None:
    """Run the program; our errors, and those of its machine, are told in their own words, without a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # data may hold what the terminal's encoding has not
    try:
        _run()
    except OSError as error:
        if error.errno not in (*NO_RIGHT, *NO_ROOM, errno.EPIPE):
            raise
        what = error.filename or "standard output, or a file,"  # the system does not say which
        if error.errno != errno.EPIPE:  # which is a reader that has enough, such as `head`
            err.print(f"{what} cannot be written: {error.strerror}", markup=False)
        _drop_what_waits()
        sys.exit(RUN_FAILED if error.errno in NO_ROOM else WRONG_INPUT)


def _drop_what_waits() -> None:
    """Where standard output takes no more, let Python not try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run() -> None:
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except ConfigError as error:
        print_problems(error.problems)
        sys.exit(WRONG_INPUT)
    except ValidationError as error:
        err.print(wrong_settings(error), markup=False)
        sys.exit(WRONG_INPUT)
    except InputError as error:
        err.print(str(error), markup=False)
        sys.exit(WRONG_INPUT)
    except DataflowError as error:
        err.print(str(error), markup=False)
        sys.exit(RUN_FAILED)
