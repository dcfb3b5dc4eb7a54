"""Reader of a hand-written document. It collects all faults with their locations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct
from alsolike.schema.validation import describe

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indices that lead from the top of a document to a value."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ABSENT = object()


@struct
class Fault:
    """Fault in a document.

    Attributes
    ----------
    path
        Path of the value that is invalid or lacks a field.
    at_key
        True if the last key of the path is invalid, instead of its value.
    offset
        Position of the fault in a string, in characters from the start.
    """

    path: Path
    message: str
    at_key: bool = False
    offset: int | None = None

    def __str__(self) -> str:
        return f"{dotted(self.path)} {self.message}"


class InvalidConfiguration(InvalidInput):
    """Error with the faults of an invalid configuration."""

    def __init__(self, faults: Collection[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


def dotted(path: Path) -> str:
    """Return a path in dotted notation, or "the document" for the top.

    Examples
    --------
    >>> dotted(("rules", "spring", "pins", 0, "item"))
    'rules.spring.pins[0].item'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{_shown(step)}]"
    return text or "the document"


class Node:
    """Value in a document, or the place of an absent field.

    For an unexpected value, methods record a fault, and return None or an empty collection. For an absent field, they
    return the same without a fault. A document is valid if it has no faults.
    """

    __slots__ = ("_faults", "path", "value")

    def __init__(self, value: object, faults: list[Fault], path: Path = ()) -> None:
        self.value = value
        self.path = path
        self._faults = faults

    @property
    def is_given(self) -> bool:
        return self.value is not _ABSENT

    def unless_null(self) -> Node:
        """Return the node, or an absent field if the value is null."""
        return self if self.value is not None else Node(_ABSENT, self._faults, self.path)

    def fault(self, message: str, *, at_key: bool = False, offset: int | None = None) -> None:
        self._faults.append(Fault(self.path, message, at_key, offset))

    def child(self, key: str) -> Node:
        value = self.value.get(key, _ABSENT) if isinstance(self.value, Mapping) else _ABSENT
        return Node(value, self._faults, (*self.path, key))

    def expect(self, expectation: str) -> None:
        if self.is_given:
            self.fault(f"is {_shown(self.value)}, expected {expectation}")

    def fields(self, *known: str, required: Collection[str] = ()) -> dict[str, Node]:
        """Return the `known` fields of a mapping, also those that are absent."""
        entries = dict(self.entries(f"a mapping with {', '.join(known)}"))
        for name in [name for name in entries if name not in known]:
            entries[name].fault(f"is unknown, expected {_nearest(name, known)}", at_key=True)
        if isinstance(self.value, Mapping):
            for name in required:
                if name not in entries:
                    self.fault(f"lacks {name}", at_key=True)
        return {name: self.child(name) for name in known}

    def entries(self, expectation: str = "a mapping by name") -> Iterator[tuple[str, Node]]:
        if isinstance(self.value, Mapping):
            for name in self.value:
                yield name, self.child(name)
        else:
            self.expect(expectation)

    def elements(self, *, maximum: int) -> list[Node]:
        if not isinstance(self.value, list):
            self.expect("a list")
            return []
        if len(self.value) > maximum:
            self.fault(f"has {len(self.value)} elements, expected at most {maximum}")
            return []
        return [Node(value, self._faults, (*self.path, index)) for index, value in enumerate(self.value)]

    def number(self, minimum: float, maximum: float, *, open_ends: bool = False) -> float | None:
        """Return a number from `minimum` to `maximum`. With `open_ends`, both bounds are excluded."""
        value: Any = self.value
        if _is_number(value) and ((minimum < value < maximum) if open_ends else (minimum <= value <= maximum)):
            return float(value)
        self.expect(
            f"a number {'between' if open_ends else 'from'} {minimum:g} {'and' if open_ends else 'to'} {maximum:g}"
        )
        return None

    def integer(self, minimum: int, maximum: int) -> int | None:
        value: Any = self.value
        if _is_number(value) and not isinstance(value, float) and minimum <= value <= maximum:
            return int(value)
        self.expect(f"a whole number from {minimum} to {maximum}")
        return None

    def text(self, pattern: re.Pattern[str], expectation: str) -> str | None:
        if isinstance(self.value, str) and pattern.fullmatch(self.value):
            return self.value
        self.expect(expectation)
        return None

    def choice(self, options: Collection[str], *, noun: str = "") -> str | None:
        """Return a string that is one of `options`. In a fault, `noun` describes the options."""
        if isinstance(self.value, str) and self.value in options:
            return self.value
        if self.is_given:
            wanted = _nearest(str(self.value), options) if options else "none, because there is none"
            self.expect(f"{noun} {wanted}".strip())
        return None


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return repr(value) if isinstance(value, float) else describe(value)  # JSON has no NaN.


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def closest(text: str, names: Iterable[str]) -> str | None:
    """Return the name closest to a misspelt string, ignoring case, or None if no name is close."""
    import difflib  # Slow import that only misspelt names need.

    by_lower_case = {name.lower(): name for name in names}
    near = difflib.get_close_matches(text.lower(), by_lower_case, n=1)
    return by_lower_case[near[0]] if near else None


def _nearest(name: str, options: Collection[str]) -> str:
    near = closest(name, options)
    listed = ", ".join(options)
    return f"one of {listed}; did you mean {near}?" if near and len(options) > 1 else f"one of {listed}"
