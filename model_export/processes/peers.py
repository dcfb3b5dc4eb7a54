"""Processes that train one network together: where they find each other, and what they tell each other.

The first process runs the whole program. The others only follow its training: they hear what is trained, from which
state, and when another epoch begins, and end when the first says so. Where nothing says otherwise there is one process.
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
"""Port of the first process, unless another is passed."""

MEETING = dt.timedelta(minutes=10)
"""Longest wait for each other at the start, because hosts of a job do not start together."""

LOOK_AGAIN_S = 0.05

PATIENCE = dt.timedelta(days=30)
"""Longest wait for work that only the first process does; a job's own time limit is shorter."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A process among those that train together.

    Attributes
    ----------
    rank
        0 is the first.
    size
        How many there are.
    address
        `host:port` of the first.
    starts
        Processes of the next ranks that this one starts on its host.
    interface
        Network interface to use; None for the one that the host's name leads to.
    """

    rank: int = 0
    size: int = 1
    address: str = ""
    starts: int = 0
    interface: str | None = None


def place(environment: Mapping[str, str], resources: Path, *, processes: int = 1) -> Place:
    """Return this process's place: what torchrun says, or else what SageMaker's `resourceconfig.json` says of hosts.

    Parameters
    ----------
    processes
        Processes on each host, this one included. The variables of torchrun take precedence.

    Raises
    ------
    InvalidInput
        If the document does not name this host.
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
    """Messages between processes, all in the same order; a single process sends and receives none."""

    def __init__(self, place: Place | None = None) -> None:
        place = place or Place()
        self.rank, self.size = place.rank, place.size

    @property
    def mine(self) -> slice:
        """This process's rows of a batch."""
        return slice(self.rank, None, self.size)

    def tell(self, message: Any) -> None:
        """Send a message from the first process to each other."""
        if self.size > 1:
            import torch.distributed as dist

            dist.broadcast_object_list([message], src=0)

    def hear(self) -> Any:
        """Return the next message of the first process."""
        import torch.distributed as dist

        heard = [None]
        dist.broadcast_object_list(heard, src=0)
        return heard[0]

    def add_up(self, values: torch.Tensor) -> None:
        """Replace values by their sum over all processes, which is the same to the last bit in each."""
        if self.size > 1:
            import torch.distributed as dist

            dist.all_reduce(values)


_current = Peers()


def current() -> Peers:
    """Return the processes that train together now."""
    return _current


@contextlib.contextmanager
def joined(place: Place) -> Iterator[None]:
    """Meet the other processes for as long as the body runs; when the first one's ends well, the others hear None."""
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
    """Run the followers that are started here for as long as the body runs, and until they end where it ends well."""
    host, _, port = place.address.rpartition(":")
    children = []
    try:
        for rank in range(place.rank + 1, place.rank + 1 + place.starts):
            variables = {"RANK": str(rank), "WORLD_SIZE": str(place.size), "MASTER_ADDR": host, "MASTER_PORT": port}
            command = [sys.executable, "-m", "model_export.job.follower"]
            children.append(subprocess.Popen(command, env={**os.environ, **variables}))
        yield children
        for child in children:
            child.wait()
    finally:
        for child in children:
            child.kill()
            child.wait()


def _met(place: Place, children: Sequence[subprocess.Popen[bytes]]) -> Any:
    """Return the store through which processes find each other, once all are there."""
    from torch.distributed import PrefixStore, TCPStore

    host, _, port = place.address.rpartition(":")
    # torchrun's own store listens there already.
    listens = place.rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    first = TCPStore(host, int(port), place.size, listens, MEETING, wait_for_workers=False)
    store = PrefixStore("alsolike", first)
    store.set(str(place.rank), "here")
    deadline = time.monotonic() + MEETING.total_seconds()
    while not store.check([str(rank) for rank in range(place.size)]):
        for number, child in enumerate(children, place.rank + 1):
            if status := child.poll():
                raise RuntimeError(f"process {number} of {place.size} has ended with status {status}; its log says why")
        if time.monotonic() > deadline:
            missing = [rank for rank in range(place.size) if not store.check([str(rank)])]
            raise RuntimeError(f"of {place.size} processes {missing} did not come to {place.address} in {MEETING}")
        time.sleep(LOOK_AGAIN_S)
    return store


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
