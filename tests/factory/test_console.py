"""Secrets in the output of Airflow's programs, each of which loads our plugin."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kit.project import REPOSITORY

PROGRAM = """
import logging

import airflow.settings
import structlog
from airflow.sdk.log import mask_secret
from airflow.listeners.listener import get_listener_manager

airflow.settings.initialize()
early = structlog.get_logger("early")
early.info("it starts")  # from now on it holds its processors
get_listener_manager().hook.on_starting(component=None)
get_listener_manager().hook.on_starting(component=None)
mask_secret("planted-secret")
early.info("first planted-secret", of="planted-secret")
structlog.get_logger("late").info("second planted-secret")
logging.getLogger("python").warning("third %s", "planted-secret")
"""


@pytest.mark.parametrize("as_json", ["True", "False"])
def test_a_program_of_airflow_masks_what_it_writes(tmp_path, as_json: str) -> None:
    ours = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}",
        "AIRFLOW__LOGGING__JSON_LOGS": as_json,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **ours}, capture_output=True, text=True, check=True
    )

    written = done.stdout + done.stderr
    assert "planted-secret" not in written
    assert ["first ***", "second ***", "third ***"] == [
        each for each in ("first ***", "second ***", "third ***") if each in written
    ], written
