"""All that an Airflow and a project wrote, as texts: databases row by row, files byte by byte, what the API answers."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import duckdb

from dataflow.identifiers import literal
from dataflow.identifiers import quote as quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kit.airflow_home import AirflowHome

__all__ = ["answers_of", "files_of", "forms_of", "traces_of"]


def forms_of(secret: str) -> frozenset[str]:
    """Give a secret as it may be written: raw, in a URL, in JSON and in base64, alone or behind a user's name."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    spaced = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return frozenset(
        {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), *spaced}
        | {each.rstrip("=") for each in encoded}
    )


def traces_of(secrets: Mapping[str, str], texts: Iterator[tuple[str, str]]) -> set[tuple[str, str]]:
    """Give each secret that stands in a text, and where."""
    forms = {name: forms_of(secret) for name, secret in secrets.items()}
    return {
        (name, place) for place, text in texts for name, each in forms.items() if any(form in text for form in each)
    }


def files_of(*folders: Path) -> Iterator[tuple[str, str]]:
    """Give the texts of every file: its name, its bytes, and what a database, Parquet or packed file holds."""
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = file.relative_to(folder.parent).as_posix()
            yield name, name
            content = file.read_bytes()
            yield name, content.decode("utf-8", errors="replace")
            yield from ((name, text) for text in _inside(file, content))


def _inside(file: Path, content: bytes) -> Iterator[str]:
    if content.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in connection.execute(f"select * from {quoted(table)}"):
                    yield from map(_text, row)
        connection.close()
    elif content.startswith(b"PAR1"):
        with duckdb.connect() as connection:
            rows = connection.execute(f"from read_parquet({literal(str(file))})").fetchall()
            yield from (_text(value) for row in rows for value in row)
    elif content[8:12] == b"DUCK":
        with duckdb.connect(file, read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, table in tables:
                rows = connection.execute(f"from {quoted(schema)}.{quoted(table)}").fetchall()
                yield from (_text(value) for row in rows for value in row)
    elif content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content).decode("utf-8", errors="replace")


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    with suppress(zlib.error):
        value = zlib.decompress(value)  # what Airflow packs
    return value.decode("utf-8", errors="replace")


def answers_of(airflow: AirflowHome, dag_ids: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give what Airflow's API and ours answer of these DAGs: all of their runs, tasks, logs and what tasks returned."""
    api = airflow.api
    ours = ["/workflows", "/problems"]
    for dag_id in dag_ids:
        yield from _answer(airflow, f"/dags/{dag_id}/details")
        yield from _answer(airflow, f"/dagSources/{dag_id}")
        ours.append(f"/workflows/{dag_id}")
        for run in airflow.runs(dag_id):
            run_id = run["dag_run_id"]
            path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances"
            yield from _answer(airflow, path)
            for task in api.get(path)["task_instances"]:
                one = f"{path}/{task['task_id']}"
                for number in range(1, (task["try_number"] or 0) + 1):
                    yield from _answer(airflow, f"{one}/logs/{number}?full_content=true")
                yield from _answer(airflow, f"{one}/xcomEntries")
                yield from _answer(airflow, f"{one}/xcomEntries/return_value")
    yield from _answer(airflow, "/importErrors")
    yield from _answer(airflow, "/eventLogs?limit=1000")
    for path in ours:
        yield path, _sent(airflow, f"/dataflow/api{path}")
    yield "the page", _sent(airflow, "/dataflow/static/workflows.js")


def _answer(airflow: AirflowHome, path: str) -> Iterator[tuple[str, str]]:
    yield path, _sent(airflow, f"/api/v2{path}")


def _sent(airflow: AirflowHome, path: str) -> str:
    """Give the answer's text as it is; a 404 is one too, for an XCom that is not there."""
    import httpx

    token = airflow.api._client.headers["Authorization"]  # the login of the tests
    answer = httpx.get(f"{airflow.address}{path}", headers={"Authorization": token}, timeout=60)
    assert answer.status_code in (200, 404), f"{path}: {answer.status_code} {answer.text[:300]}"
    return answer.text
