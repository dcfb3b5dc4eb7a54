"""Connection and messages of processes that train a network together.

The first process runs the complete program. The followers receive the interactions, the settings, the training state
and the start of each epoch from the first process, and end when it ends. By default there is only one process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from alsolike.runtime.errors import InvalidInput

if TYPE_CHECKING:
    import torch

PORT = 29_500
"""Port of the first process if a job has several hosts."""

MEETING = dt.timedelta(minutes=10)
"""Maximum wait for the other processes at the start, because the hosts of a job do not start at the same time."""

LOOK_AGAIN_S = 0.05

PATIENCE = dt.timedelta(days=30)
"""Maximum wait for work from the first process. It is longer than the time limit of a job."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Rank and connection of a process. The first process has rank 0.

    Attributes
    ----------
    address
        `host:port` of the first process.
    starts
        Number of processes with the next ranks that this process starts on its host.
    interface
        Network interface, or None for the default interface of the host's name.
    """

    rank: int = 0
    size: int = 1
    address: str = ""
    starts: int = 0
    interface: str | None = None


def place(environment: Mapping[str, str], resources: Path, *, processes: int = 1) -> Place:
    """Return the place of this process, from torchrun's variables or else from SageMaker's `resourceconfig.json`.

    torchrun's variables replace `processes`, the number of processes per host. Without variables and file, there is one
    host.
    """
    if "WORLD_SIZE" in environment:
        return Place(
            rank=int(environment["RANK"]),
            size=int(environment["WORLD_SIZE"]),
            address=f"{environment['MASTER_ADDR']}:{environment['MASTER_PORT']}",
            interface=environment.get("GLOO_SOCKET_IFNAME"),
        )
    document = orjson.loads(resources.read_bytes()) if resources.is_file() else {"hosts": []}
    if len(document["hosts"]) < 2:
        return Place(size=processes, address=f"127.0.0.1:{_free_port()}", starts=processes - 1)
    hosts, current = sorted(document["hosts"]), document["current_host"]
    if current not in hosts:
        raise InvalidInput(f"{resources.name} has current_host {current!r}, expected one of {', '.join(hosts)}")
    return Place(
        rank=hosts.index(current) * processes,
        size=len(hosts) * processes,
        address=f"{hosts[0]}:{PORT}",
        starts=processes - 1,
        interface=document.get("network_interface_name"),
    )


class Peers:
    """Messages between processes. All processes exchange them in the same order. A single process has no messages."""

    def __init__(self, place: Place | None = None) -> None:
        place = place or Place()
        self.rank, self.size = place.rank, place.size

    @property
    def mine(self) -> slice:
        return slice(self.rank, None, self.size)

    def tell(self, message: Any) -> None:
        """Send a message from the first process to all followers."""
        if self.size > 1:
            import torch.distributed as dist

            dist.broadcast_object_list([message], src=0)

    def hear(self) -> Any:
        """Wait for the next message of the first process and return it."""
        import torch.distributed as dist

        heard = [None]
        dist.broadcast_object_list(heard, src=0)
        return heard[0]

    def add_up(self, values: torch.Tensor) -> None:
        """Replace values with their sums over all processes. The result is bitwise equal in all processes."""
        if self.size > 1:
            import torch.distributed as dist

            dist.all_reduce(values)


_current = Peers()


def current() -> Peers:
    return _current


@contextlib.contextmanager
def joined(place: Place) -> Iterator[None]:
    """Start this host's followers, and connect all processes while the body runs.

    If the body succeeds, the first process ends the followers with the message None. A single process connects to
    nothing.
    """
    global _current
    if place.size == 1:
        yield
        return
    import torch.distributed as dist

    if place.interface:
        os.environ["GLOO_SOCKET_IFNAME"] = place.interface
    with _started(place) as children:
        store = _met(place, children)
        dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.size, timeout=PATIENCE)
        _current = Peers(place)
        try:
            yield
            if place.rank == 0:
                _current.tell(None)
        finally:
            _current = Peers()
            dist.destroy_process_group()


@contextlib.contextmanager
def _started(place: Place) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Start this host's followers. If the body succeeds, wait for their end. If it fails, kill them."""
    host, _, port = place.address.rpartition(":")
    children = []
    try:
        for rank in range(place.rank + 1, place.rank + 1 + place.starts):
            variables = {"RANK": str(rank), "WORLD_SIZE": str(place.size), "MASTER_ADDR": host, "MASTER_PORT": port}
            command = [sys.executable, "-m", "model_export.job.peer_process"]
            children.append(subprocess.Popen(command, env={**os.environ, **variables}))
        yield children
        for child in children:
            child.wait()
    finally:
        for child in children:
            child.kill()
            child.wait()


def _met(place: Place, children: Sequence[subprocess.Popen[bytes]]) -> Any:
    """Connect to the store of the first process, wait for all processes and return the store."""
    from torch.distributed import PrefixStore, TCPStore

    host, _, port = place.address.rpartition(":")
    # Under torchrun, the store of torchrun already listens on this port.
    listens = place.rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    first = TCPStore(host, int(port), place.size, listens, MEETING, wait_for_workers=False)
    store = PrefixStore("alsolike", first)
    store.set(str(place.rank), "here")
    deadline = time.monotonic() + MEETING.total_seconds()
    while not store.check([str(rank) for rank in range(place.size)]):
        for number, child in enumerate(children, place.rank + 1):
            if status := child.poll():
                raise RuntimeError(
                    f"process {number} of {place.size} ended with status {status}; its log contains the reason"
                )
        if time.monotonic() > deadline:
            missing = [rank for rank in range(place.size) if not store.check([str(rank)])]
            raise RuntimeError(
                f"processes {missing} of {place.size} did not connect to {place.address} within {MEETING}"
            )
        time.sleep(LOOK_AGAIN_S)
    return store


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
