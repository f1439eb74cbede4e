from __future__ import annotations

import pytest

from dataflow.cli.console import emit, out

RUN = "scheduled__2025-01-01T00:00:00+00:00"
ROW = {"workflow": "shop", "run": RUN, "status": "COMPLETED", "began": "2025-01-01 00:00", "ended": "2025-01-01 00:01"}


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, ["workflow", "run", "status", "began", "ended"]),
        (60, ["workflow", "run", "status"]),
        (20, ["workflow", "run"]),
    ],
)
def test_a_narrow_terminal_does_without_columns_and_breaks_no_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, shown: list[str]
) -> None:
    monkeypatch.setattr(out, "_width", width)

    emit([ROW], as_json=False, empty="", whole=("workflow", "run"), first_to_go=("ended", "began", "status"))

    printed = capsys.readouterr().out.splitlines()
    assert shown == printed[0].split()
    assert RUN in printed[1]
