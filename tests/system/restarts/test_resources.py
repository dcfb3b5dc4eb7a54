"""Each resource of a template has its state after a restart, including changes by its API."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_cloud.resources import RESOURCE_TYPES
from tests.booted.assemblies import QUICK, synthesized
from tests.system.local_cloud.synthesis import synthesize
from tests.system.restarts.changes import CHANGES, NOT_KEPT, OF_THE_TEMPLATE

FOREIGN_APP = Path(__file__).parents[1] / "local_cloud" / "foreign_app" / "app.py"

UNSTORED = re.compile(
    r"cloudwatch [^ ]+\.alarms\..*\.(history|state_)"  # states of alarms are not kept
    r"|dynamodbstreams .*\.shard_iterators\."  # the clients of iterators reconnect
    r"|s3 .*\.(multipart|_tick)\b"  # parts of a completed upload, and a counter of moto
    r"|sns .*\.sent_notifications\."  # moto's notes of delivered messages
    r"|stepfunctions .*\.executions\.\d+\.(exec_worker|state_machine)\b"  # the thread of an execution that has ended
)
OPAQUE = {"<Condition>", "<lock>", "<RLock>", "<Event>", "<EnumType>", "<RSAKey>", "<Pattern>"}


def shop(_: Path) -> Path:
    return synthesized(**QUICK)


def foreign(directory: Path) -> Path:
    return synthesize(FOREIGN_APP, directory / "cdk.out", directory / "layer")


def boot(assembly: Path, directory: Path, *options: str) -> dict[str, str]:
    """Boot a cloud with the data of a directory; return the stored values of moto by path."""
    file = directory / "state.json"
    program = [sys.executable, "-m", "tests.system.restarts.boot_once"]
    command: list[str | Path] = [*program, assembly, directory / "data", file, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    state = {path: text for path, text in json.loads(file.read_text()).items() if not UNSTORED.search(path)}
    assert {text for text in state.values() if re.fullmatch("<.*>", text)} <= OPAQUE  # else contents are not compared
    return state


@pytest.mark.parametrize("app", [shop, foreign])
def test_killed_cloud_restores_every_changed_resource(app: Callable[[Path], Path], tmp_path: Path) -> None:
    assembly = app(tmp_path)
    before = boot(assembly, tmp_path, "--change")

    after = boot(assembly, tmp_path)

    lost = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
    assert {path: pair for path, pair in lost.items() if pair[0] != pair[1]} == {}


def test_every_resource_type_is_changed_or_declared_unchanged() -> None:
    assert CHANGES.keys() | OF_THE_TEMPLATE | NOT_KEPT == RESOURCE_TYPES.keys()
    assert not CHANGES.keys() & OF_THE_TEMPLATE
