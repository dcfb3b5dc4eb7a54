"""Checkpoints of long training, so that a stopped job resumes instead of starting again."""

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
    """Keep checkpoints in `directory` while the body runs, with None nowhere; elsewhere there are none."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    token = _directory.set(directory)
    try:
        yield
    finally:
        _directory.reset(token)


def directory() -> Path | None:
    """Return where checkpoints are kept now, or None where nowhere."""
    return _directory.get()


def checkpoint(settings: Algorithm, interactions: Interactions) -> Path | None:
    """Return the file of this fit, whether it exists or not, or None where none are kept.

    The name is a hash of the settings and the interactions: another fit has another file.
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
    """Write a file that is whole or not there."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
