from __future__ import annotations

from typing import get_args

import duckdb
import pytest

from dataflow.duckdb_extensions import Extension, load_extension


@pytest.mark.parametrize("name", get_args(Extension))
def test_an_extension_loads_from_its_wheel_with_nothing_fetched(name: Extension) -> None:
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        load_extension(connection, name)
        load_extension(connection, name)

        loaded = connection.execute("select extension_name from duckdb_extensions() where loaded").fetchall()

    assert (name,) in loaded
