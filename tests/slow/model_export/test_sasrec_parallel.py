"""Networks that are trained side by side are those that one process trains."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_export.algorithms.sasrec import parallel
from model_export.processes import side_process
from model_export.processes.checkpoints import kept_in
from model_export.processes.resources import measured
from tests.unit.model_export.networks import SMALL
from tests.unit.model_export.shops import interactions, random_sequences

pytest.importorskip("torch", reason="make setup WITH=neural installs it")

DATA = interactions(random_sequences(users=30, items=12, length=8))
FOUR = dataclasses.replace(SMALL, networks=4, seed=5)


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate two processors, and use the second for even the shortest training."""
    monkeypatch.setattr(side_process, "processors", lambda: 2)
    monkeypatch.setattr(parallel, "LONG", 0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Return what is started from here on."""
    processes: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **more: object) -> None:
            super().__init__(*arguments, **more)  # type: ignore[call-overload]
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return processes


def test_they_are_the_same_to_the_last_bit_and_in_their_order(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = interactions(random_sequences(users=450, items=12, length=8))  # more than a pipe holds
    side_by_side = FOUR.fit(data)
    monkeypatch.setattr(side_process, "processors", lambda: 1)
    one_by_one = FOUR.fit(data)

    assert [process.returncode is None for process in started] == [False]
    for network, expected in zip(side_by_side.networks, one_by_one.networks, strict=True):
        assert network.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(network[name], values)


def test_each_has_its_checkpoint_and_their_memory_is_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept_in(tmp_path), measured() as both:
        FOUR.fit(DATA)
    monkeypatch.setattr(side_process, "processors", lambda: 1)
    with measured() as one:
        FOUR.fit(DATA)

    assert len(list(tmp_path.iterdir())) == 4
    assert both.peak_mb > one.peak_mb + 100  # torch needs more than that


def test_the_other_process_ends_where_this_one_is_interrupted(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(parallel, "_trained_here", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parallel.trained([dataclasses.replace(SMALL, epochs=1_000_000)] * 2, DATA)

    assert [process.returncode for process in started] == [-9]


@pytest.mark.parametrize(
    ("program", "status"), [((sys.executable, "-c", ""), 0), ((sys.executable, "-c", "raise SystemExit(3)"), 3)]
)
def test_a_process_that_does_not_do_its_work_ends_the_training_with_its_status(
    program: tuple[str, ...], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_process, "PROGRAM", program)

    with pytest.raises(RuntimeError, match=f"ended with status {status}; its log says why"):
        FOUR.fit(DATA)
