import subprocess
import threading
from pathlib import Path

import pytest

from local_cloud import booting
from local_cloud.booting import Booting

DEAF = "trap '' TERM; echo starting; read -r line"
"""A cloud that boots forever and does not end when it is asked to."""


def interrupt_boot(state: Path) -> None:
    process = subprocess.Popen(["sh", "-c", DEAF], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started = threading.Event()
    try:
        with Booting(process, state, lambda line: started.set()):
            assert started.wait(30)
            raise KeyboardInterrupt
    finally:
        assert process.poll() is not None


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booting, "_STOP_TIMEOUT_S", 0.1)


def test_interruption_is_what_is_seen_where_the_cloud_has_to_be_killed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt_boot(tmp_path / "state.json")


def test_interruption_is_what_is_seen_where_the_state_cannot_be_removed(tmp_path: Path) -> None:
    unreadable = tmp_path / "state.json"
    unreadable.mkdir()

    with pytest.raises(KeyboardInterrupt) as interrupted:
        interrupt_boot(unreadable)

    assert isinstance(interrupted.value.__cause__, IsADirectoryError)
