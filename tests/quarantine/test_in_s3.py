"""Quarantine beside a landing in S3."""

from __future__ import annotations

import tempfile

import pytest

from kit.shop import POSITIVE, Shop
from kit.store import bucket


def test_files_go_through_the_scratch_folder_and_never_through_the_machines_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    shop.write(POSITIVE)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with bucket() as store:
        shop.settings = shop.settings.model_copy(update={"landing": store.place("landing")})
        run = shop.run()

        assert ("success", None) == (run.status, run.error)
        (record,) = shop.records()
        assert record.uri.startswith("s3://")

        (done,) = shop.replay(corrected="_dataflow_row,amount\n1,5.00\n2,-1.00\n")

        assert (1, 1) == (done.passed, done.failed), done.result
        assert [1, 2, 4] == shop.loaded()
