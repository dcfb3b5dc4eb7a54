"""State file of a cloud: its addresses and its status for other programs."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

READY, FAILED = "ready", "failed"
READY_LINE = "ready at"
"""Start of the line that a cloud prints after its start."""
FAILED_LINE = "the cloud does not boot:"
"""Start of the line with the reason of a failed start."""


class StateError(Exception): ...


@dataclass(frozen=True, slots=True)
class CloudState:
    """Content of a cloud's state file.

    `apis` contains each URL by name and by ID, and `user_pools` the client IDs by pool ID. `certificate` is empty if
    the APIs use HTTP.
    """

    status: str
    pid: int
    region: str
    account: str
    started_at: str
    assembly: str
    endpoint: str = ""
    admin: str = ""
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    apis: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    user_pools: Mapping[str, Sequence[str]] = field(default_factory=dict)
    replicated: Mapping[str, Any] = field(default_factory=dict)
    certificate: str = ""
    peer: str = ""
    error: str = ""

    def write(self, path: Path) -> None:
        """Write the file atomically. Only the owner can read it, because it contains the admin token."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a state file. Raise StateError if it does not exist or has another format."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise StateError(f"there is no cloud here: {path} does not exist") from error
        except (ValueError, TypeError) as error:
            raise StateError(f"{path} is not the state file of this version's cloud: {error}") from error

    @property
    def alive(self) -> bool:
        try:
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    @classmethod
    def claim(cls, path: Path) -> None:
        """Raise StateError if another cloud uses a state file."""
        if cls.is_running(path):
            raise StateError(f"{path} belongs to a cloud that runs as process {cls.read(path).pid}")

    @classmethod
    def is_running(cls, path: Path) -> bool:
        try:
            found = cls.read(path)
        except StateError:
            return False  # The file is missing or has another format.
        return found.alive and found.status != FAILED

    @classmethod
    def forget(cls, path: Path, *, pid: int) -> None:
        """Remove a state file, unless it belongs to another process or contains the reason of a failed start."""
        try:
            found = cls.read(path)
        except StateError:
            return
        if found.pid == pid and found.status != FAILED:
            path.unlink(missing_ok=True)
