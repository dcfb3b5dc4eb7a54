"""The single translation of an AWS client's errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from alsolike.runtime.errors import Unavailable


@contextlib.contextmanager
def translate_aws_errors(what: str) -> Iterator[None]:
    """Raise `Unavailable` for an AWS client's errors, with the name of the request."""
    from botocore.exceptions import BotoCoreError, ClientError  # slow import that commands without requests do not need

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"{what}: {error}") from error
