import subprocess
import threading
from typing import cast

import pytest

from local_cloud import boot_process
from local_cloud.boot_process import Booting
from memory_process import NO_PROCESS, MemoryProcess, state_of


def follow(process, state, lines):
    return Booting(cast("subprocess.Popen[str]", process), state, lines.append)


def interrupt_boot(process, state):
    started = threading.Event()
    try:
        with Booting(cast("subprocess.Popen[str]", process), state, lambda line: started.set()):
            assert started.wait(60)
            raise KeyboardInterrupt
    finally:
        assert process.poll() is not None


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch):
    monkeypatch.setattr(boot_process, "_STOP_TIMEOUT_S", 0.1)


def test_interrupted_boot_ends_the_cloud_and_removes_its_state(tmp_path):
    process, state = MemoryProcess("starting"), tmp_path / "state.json"
    state_of(process.pid, "starting").write(state)

    with pytest.raises(KeyboardInterrupt):
        interrupt_boot(process, state)

    assert process.calls[0] == "terminate"
    assert not state.exists()


def test_interruption_is_raised_when_the_cloud_has_to_be_killed(tmp_path):
    process = MemoryProcess("starting", deaf=True)

    with pytest.raises(KeyboardInterrupt):
        interrupt_boot(process, tmp_path / "state.json")

    assert process.calls == ["terminate", "kill"]


def test_interruption_is_raised_when_the_state_cannot_be_removed(tmp_path):
    unreadable = tmp_path / "state.json"
    unreadable.mkdir()

    with pytest.raises(KeyboardInterrupt) as interrupted:
        interrupt_boot(MemoryProcess("starting"), unreadable)

    assert isinstance(interrupted.value.__cause__, IsADirectoryError)


def test_progress_has_the_lines_until_the_cloud_is_ready(tmp_path):
    lines: list[str] = []
    process = MemoryProcess("starting", "ready at http://127.0.0.1:1", "a request")

    following = follow(process, tmp_path / "state.json", lines)

    assert following.settled.wait(60)
    assert (following.ready, lines) == (True, ["starting"])
    process.end()


def test_failure_has_the_last_lines_of_a_slow_boot(tmp_path):
    process, last = MemoryProcess("one", "two", "three", "four"), threading.Event()
    following = Booting(
        cast("subprocess.Popen[str]", process),
        tmp_path / "state.json",
        lambda line: last.set() if line == "four" else None,
    )
    assert last.wait(60)

    assert following.failure(2.5) == "the cloud is not ready after 2.5 s; it said last: two | three | four"
    process.end()


@pytest.mark.parametrize(
    ("pid", "printed", "failure"),
    [
        (NO_PROCESS, ["Traceback"], "the cloud does not boot: no layer"),
        (1, ["Traceback", "KeyError"], "Traceback\nKeyError"),  # The process ID belongs to another cloud.
        (1, [], "the cloud does not boot and says nothing"),
    ],
    ids=["state", "output", "nothing"],
)
def test_failure_is_the_error_of_the_state_or_of_the_output(tmp_path, pid, printed, failure):
    state = tmp_path / "state.json"
    state_of(pid, "failed", error="no layer").write(state)
    process = MemoryProcess(*printed)
    process.end()

    following = follow(process, state, [])

    assert following.settled.wait(60)
    assert following.failure(1) == failure
    assert not following.ready
