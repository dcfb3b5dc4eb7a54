"""The one place that words what an AWS client says went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from alsolike.errors import Unavailable


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn an AWS client's errors into `Unavailable`, naming what was asked."""
    from botocore.exceptions import BotoCoreError, ClientError  # a command that asks nothing does not wait for it

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"{what}: {error}") from error
