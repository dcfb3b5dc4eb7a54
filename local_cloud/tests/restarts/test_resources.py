"""State of each resource after a restart, with the changes through its API."""

import json
import os
import subprocess
import sys
from pathlib import Path

from local_cloud.resources import RESOURCE_TYPES
from restarts.changes import CHANGES, NOT_KEPT, WITHOUT_DATA
from synthesis import TESTS, synthesize


def test_killed_cloud_restores_every_changed_resource(tmp_path):
    assembly = synthesize("foreign_app.app", tmp_path / "cdk.out", tmp_path / "layer")
    command: list[str | Path] = [sys.executable, "-m", "restarts.compare", assembly, tmp_path]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-4_000:]
    assert json.loads(done.stdout) == {}


def test_every_resource_type_is_changed_or_declared_unchanged():
    assert CHANGES.keys() | WITHOUT_DATA | NOT_KEPT == RESOURCE_TYPES.keys()
    assert not CHANGES.keys() & WITHOUT_DATA
