"""Checkpoints of long fits, from which an interrupted job can resume."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from model_export.api import Algorithm
from model_export.data.interactions import Interactions

_directory: ContextVar[Path | None] = ContextVar("checkpoint directory", default=None)


@contextlib.contextmanager
def kept_in(directory: Path | None) -> Iterator[None]:
    """Store checkpoints in `directory` while the body runs. None disables checkpoints."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    token = _directory.set(directory)
    try:
        yield
    finally:
        _directory.reset(token)


def directory() -> Path | None:
    return _directory.get()


def checkpoint(settings: Algorithm, interactions: Interactions) -> Path | None:
    """Return the path of a fit's checkpoint, which may not exist yet. Return None if checkpoints are disabled.

    The name contains a hash of the settings and the interactions, so that each fit has its own file.
    """
    kept = directory()
    if kept is None:
        return None
    digest = hashlib.sha256(repr((settings, interactions.users, interactions.items)).encode())
    columns: tuple[Any, ...] = (interactions.user, interactions.item, interactions.time_ms, interactions.weight)
    for column in columns:
        digest.update(column.data)
    return kept / f"{settings.name}-{digest.hexdigest()[:32]}"


def write(content: bytes, path: Path) -> None:
    """Write a file atomically, by renaming a temporary file."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
