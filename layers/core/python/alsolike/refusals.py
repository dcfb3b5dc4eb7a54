"""Errors of `recommend` in direct invocations, without the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.errors import AlsolikeError, InvalidInput, NotFound

FOR_ALL: Mapping[str, type[AlsolikeError]] = {
    "InvalidInput": InvalidInput,
    "InvalidConfiguration": InvalidInput,
    "NotFound": NotFound,
}
"""Errors of the request as a whole, by their name in the function's result: every batch would have them."""


def check_not_refused(document: Mapping[str, Any]) -> None:
    """Raise the error in the result of a replay or a preview, if there is one."""
    if refused := document.get("refused"):
        raise FOR_ALL[refused["type"]](refused["message"])
