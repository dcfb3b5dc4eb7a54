"""Fields of classes that declare settings of `cdk.json`."""

import dataclasses
from typing import Any


def setting(default: object, meaning: str, limits: tuple[int, int] | None = None) -> Any:
    """Return a dataclass field with a default, a description for the documentation, and inclusive limits."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "limits": limits})
