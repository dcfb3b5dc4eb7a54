from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alsolike.errors import Unavailable
from cli import boot
from cli.main import app
from cli.up import wait_for_interrupt
from local_cloud.client import Cloud
from local_cloud.state import CloudState


def cloud_state(pid: int) -> CloudState:
    return CloudState("ready", pid, "us-east-1", "123456789012", "", "/cdk.out")


def test_cloud_that_dies_is_noticed_and_leaves_no_state_file(tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        cloud_state(process.pid).write(path)
        cloud = Cloud.attach(path)
        process.kill()

        with pytest.raises(Unavailable, match=f"process {process.pid}. has ended by itself"):
            wait_for_interrupt(cloud)
        cloud.stop()

    assert not path.exists()


@pytest.mark.parametrize("verb", ["up", "demo"])
def test_cloud_that_runs_is_named_before_anything_is_built(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cloud.json"
    cloud_state(os.getpid()).write(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boot, "build_layers", lambda: pytest.fail("layers were built"))

    result = CliRunner().invoke(app, [verb, "--state", str(path)])

    assert isinstance(result.exception, Unavailable)
    assert str(result.exception) == (
        f"{path} belongs to a cloud that runs as process {os.getpid()}; stop it or use another file"
    )
