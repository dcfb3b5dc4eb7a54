"""When networks are trained side by side; tests/slow/model_export trains them."""

import dataclasses
import subprocess

import pytest

from model_export.algorithms.sasrec import parallel
from model_export.processes import peers, side_process
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


@pytest.mark.parametrize("case", ["short", "large", "shared batches"])
def test_one_process_trains_them_where_more_gain_nothing(
    case: str, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if case == "short":
        monkeypatch.setattr(parallel, "LONG", len(DATA) * FOUR.epochs * 2 + 1)  # the second and third of three
    elif case == "large":
        monkeypatch.setattr(parallel, "MOST", len(DATA) - 1)
    else:
        monkeypatch.setattr(peers, "_current", peers.Peers(peers.Place(size=2)))
        monkeypatch.setattr(peers.Peers, "tell", lambda *_: None)
        monkeypatch.setattr(peers.Peers, "add_up", lambda *_: None)

    assert len(FOUR.fit(DATA).networks) == 4
    assert not started
