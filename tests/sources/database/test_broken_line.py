"""PostgreSQL goes away in the middle of a read: nothing is landed, and the next try gives exactly the right rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from dataflow.errors import TransientError
from kit.databases import postgres_schema
from kit.ingest import ingest_source, landed
from kit.tcp_proxy import breakable_line

pytestmark = pytest.mark.postgres

ROWS = 200_000


@pytest.mark.parametrize("how", ["the line is cut", "the server ends the session"])
@pytest.mark.parametrize("after", [300, 3_000_000])
def test_a_read_that_broke_off_is_tried_again(tmp_path: Path, how: str, after: int) -> None:
    with postgres_schema() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"create table things as select i as id, md5(i::text) as note from generate_series(1, {ROWS}) i"
            )
        name = f"test {tmp_path.name}"

        def end_session() -> None:
            with engine.begin() as connection:
                query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
                connection.exec_driver_sql(query, (name,))

        real = sa.make_url(url)
        with breakable_line(str(real.host), int(real.port or 5432)) as line:
            through = real.set(port=line.port).update_query_dict({"application_name": name})
            source = {
                "type": "database",
                "url": through.render_as_string(hide_password=False),
                "table": "things",
            }
            line.break_after(after, end_session if how == "the server ends the session" else None)

            with pytest.raises(TransientError, match=r"broke off|cannot be reached"):
                ingest_source(tmp_path, source)
            assert [] == list((tmp_path / "landing").rglob("manifest.json"))

            manifest = ingest_source(tmp_path, source)
        engine.dispose()

    assert [(ROWS, ROWS, ROWS * (ROWS + 1) // 2)] == landed(manifest, "count(*), count(distinct id), sum(id)")
