"""What `recommend` refuses when it is invoked directly, not through the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.errors import AlsolikeError, InvalidInput, NotFound

FOR_ALL: Mapping[str, type[AlsolikeError]] = {
    "InvalidInput": InvalidInput,
    "InvalidConfiguration": InvalidInput,
    "NotFound": NotFound,
}
"""Errors of what is asked for, by the name that the function gives them: every batch would meet them."""


def check_not_refused(document: Mapping[str, Any]) -> None:
    """Raise what the function refused of a replay or a preview."""
    if refused := document.get("refused"):
        raise FOR_ALL[refused["type"]](refused["message"])
