"""Each resource of the shop's templates has its state after a restart, including changes by its API."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.booted.assemblies import QUICK, synthesized

PROGRAMS = Path(__file__).parents[3] / "local_cloud" / "tests"


def test_killed_shop_restores_every_changed_resource(tmp_path):
    command: list[str | Path] = [sys.executable, "-m", "restarts.compare", synthesized(**QUICK), tmp_path]
    environment = os.environ | {"PYTHONPATH": str(PROGRAMS)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-4_000:]
    assert json.loads(done.stdout) == {}
