"""Repeated options of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alsolike.runtime.errors import InvalidInput


def pairs(given: Sequence[str], option: str, placeholder: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for entry in given:
        name, separator, text = entry.partition("=")
        if not separator or not name:
            raise InvalidInput(f"{option} is {entry!r}, expected {placeholder}=VALUE")
        if name in seen:
            raise InvalidInput(f'{option} repeats {name}, expected one option; filters take {name}="a","b"')
        seen.add(name)
        yield name, text
