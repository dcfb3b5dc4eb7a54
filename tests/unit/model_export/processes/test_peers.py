import datetime as dt
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import orjson
import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.processes import peers

NOWHERE = Path("nowhere")


def test_place_without_a_configuration_is_one_process():
    place = peers.place({}, NOWHERE)

    assert (place.rank, place.size, place.starts) == (0, 1, 0)


def test_torchrun_environment_gives_the_place():
    environment = {"RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29400"}

    place = peers.place(environment, NOWHERE, processes=8)

    assert place == peers.Place(rank=3, size=4, address="10.0.0.1:29400")


@pytest.mark.parametrize(("current", "rank"), [("algo-1", 0), ("algo-2", 4)])
def test_resource_configuration_gives_the_place_of_each_host(tmp_path, current, rank):
    file = tmp_path / "resourceconfig.json"
    document = {"current_host": current, "hosts": ["algo-2", "algo-1"], "network_interface_name": "eth0"}
    file.write_bytes(orjson.dumps(document))

    place = peers.place({}, file, processes=4)

    assert place == peers.Place(rank=rank, size=8, address="algo-1:29500", starts=3, interface="eth0")


def test_unknown_host_is_refused(tmp_path):
    file = tmp_path / "resourceconfig.json"
    file.write_bytes(orjson.dumps({"current_host": "algo-3", "hosts": ["algo-1", "algo-2"]}))

    with pytest.raises(InvalidInput, match="current_host 'algo-3', expected one of algo-1, algo-2"):
        peers.place({}, file)


class Distributed(ModuleType):
    """`torch.distributed` in memory, with one process. Processes with the ranks `others` join it.

    `groups` has a None for each group that the process left.
    """

    def __init__(self, *, others=(), messages=()):
        super().__init__("torch.distributed")
        self.broadcast: list[object] = []
        self.groups: list[object] = []
        self.servers: list[tuple[str, int, int, bool]] = []
        self._here = {str(rank) for rank in others}
        self._messages = iter(messages)

    def TCPStore(self, host, port, size, listens, *_, **__):  # noqa: N802
        self.servers.append((host, port, size, listens))
        return self

    def PrefixStore(self, prefix, store):  # noqa: N802
        return store

    def set(self, key, value):
        self._here.add(key)

    def check(self, keys):
        return self._here.issuperset(keys)

    def init_process_group(self, backend, *, rank, world_size, **_):
        self.groups.append((backend, rank, world_size))

    def destroy_process_group(self):
        self.groups.append(None)

    def broadcast_object_list(self, messages, *, src):
        if messages == [None] and peers.current().rank:
            messages[0] = next(self._messages)
        else:
            self.broadcast += messages

    def all_reduce(self, values):
        values[0] *= 2


class Follower:
    def __init__(self, environment, status):
        self.environment = environment
        self.ends: list[str] = []
        self._status = status

    def poll(self):
        return self._status

    def wait(self):
        self.ends.append("wait")

    def kill(self):
        self.ends.append("kill")


@pytest.fixture
def followers(monkeypatch):
    started: list[Follower] = []

    def start(command, *, env):
        assert list(command[1:]) == ["-m", "model_export.job.peer_process"]
        started.append(Follower(env, None))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def distributed(monkeypatch, **options):
    found = Distributed(**options)
    torch = ModuleType("torch")
    torch.distributed = found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.distributed", found)
    return found


def test_single_process_sends_no_messages():
    with peers.joined(peers.Place()):
        peers.current().tell("anything")
        peers.current().add_up(cast(Any, [1.0]))

        assert peers.current().mine == slice(0, None, 1)


def test_first_process_starts_the_others_and_announces_the_end(monkeypatch, followers):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth0")  # The variable is restored after the test.
    torch = distributed(monkeypatch, others=(1, 2))
    values = [1.5]

    with peers.joined(peers.Place(size=3, address="127.0.0.1:29400", starts=2, interface="lo")):
        peers.current().tell("an epoch")
        peers.current().add_up(cast(Any, values))
        assert peers.current().mine == slice(0, None, 3)

    assert torch.servers == [("127.0.0.1", 29_400, 3, True)]
    assert torch.groups == [("gloo", 0, 3), None]
    assert (torch.broadcast, values) == (["an epoch", None], [3.0])
    assert [follower.environment["RANK"] for follower in followers] == ["1", "2"]
    assert {follower.environment["MASTER_PORT"] for follower in followers} == {"29400"}
    assert {follower.environment["GLOO_SOCKET_IFNAME"] for follower in followers} == {"lo"}
    assert [follower.ends for follower in followers] == [["wait", "kill", "wait"]] * 2
    assert peers.current().size == 1


def test_follower_receives_messages_of_the_first_process(monkeypatch):
    torch = distributed(monkeypatch, others=(0,), messages=["an epoch", None])
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")

    with peers.joined(peers.Place(rank=1, size=2, address="algo-1:29500")):
        assert [peers.current().hear(), peers.current().hear()] == ["an epoch", None]
        assert peers.current().mine == slice(1, None, 2)

    assert torch.servers == [("algo-1", 29_500, 2, False)]
    assert torch.broadcast == []


def test_failed_training_kills_the_other_processes(monkeypatch, followers):
    torch = distributed(monkeypatch, others=(1,))

    with pytest.raises(MemoryError), peers.joined(peers.Place(size=2, address="127.0.0.1:29400", starts=1)):
        raise MemoryError

    assert torch.broadcast == []
    assert torch.groups[-1] is None
    assert [follower.ends for follower in followers] == [["kill", "wait"]]


@pytest.mark.parametrize(
    ("others", "place", "message"),
    [
        (
            (), peers.Place(size=2, address="127.0.0.1:29400", starts=1),
            "process 1 of 2 ended with status 3",
        ),
        (
            (1,), peers.Place(size=4, address="algo-1:29500"),
            r"processes \[2, 3\] of 4 did not connect to algo-1:29500",
        ),
    ],
    ids=["ended follower", "missing hosts"],
)  # fmt: skip
def test_processes_missing_at_the_meeting_are_named(others, place, message, monkeypatch, followers):
    distributed(monkeypatch, others=others)
    monkeypatch.setattr(Follower, "poll", lambda _: 3)
    if not place.starts:
        monkeypatch.setattr(peers, "MEETING", dt.timedelta(0))

    with pytest.raises(RuntimeError, match=message), peers.joined(place):
        pass
