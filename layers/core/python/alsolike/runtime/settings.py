"""Typed settings of a function, read from its environment."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from alsolike.runtime.errors import MissingSetting

S = TypeVar("S")


def from_environment(settings: type[S], environ: Mapping[str, str]) -> S:
    """Return the settings from environment variables. The names of the variables are the field names in upper case.

    Parameters
    ----------
    settings
        Dataclass whose fields are `str`, `int` or `float`. A field with a default is optional.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Settings:
    ...     stream_name: str
    ...     batch: int = 100
    >>> from_environment(Settings, {"STREAM_NAME": "events"})
    Settings(stream_name='events', batch=100)
    """
    types = typing.get_type_hints(settings)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        variable = field.name.upper()
        text = environ.get(variable, "")
        if not text:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise MissingSetting(f"environment variable {variable} is not set; {settings.__module__} needs it")
            continue
        try:
            values[field.name] = types[field.name](text)
        except ValueError as error:
            expected = types[field.name].__name__
            raise MissingSetting(f"environment variable {variable} is {text!r}, expected {expected}") from error
    return settings(**values)
