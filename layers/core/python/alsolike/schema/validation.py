"""Validation of JSON from clients. Error messages contain the field, its value and the expectation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from alsolike.runtime.errors import InvalidInput

MAX_DEPTH = 32
"""Maximum nesting of objects and lists. Much deeper documents can be parsed, but not serialised."""

_SHOWN_CHARACTERS = 80
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_BLANK = re.compile(r"[\s\ufeff]*")
_HALF_A_PAIR = re.compile(r"[\ud800-\udfff]")


def parse_object(body: bytes, *, subject: str = "body") -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{subject} is not valid JSON: {error}") from error
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_too_deep(document):
        raise InvalidInput(f"{subject} is nested more than {MAX_DEPTH} deep")
    if not isinstance(document, dict):
        actual = "null" if document is None else describe(document)
        raise InvalidInput(f"{subject} is {actual}, expected an object")
    return document


def parse_sent_object(body: bytes, *, subject: str = "body") -> dict[str, Any]:
    """Parse a JSON object from a client. Duplicate keys are invalid."""
    document = parse_object(body, subject=subject)

    def check(pairs: Sequence[tuple[str, Any]]) -> None:
        if len(keys := [key for key, _ in pairs]) > len(set(keys)):
            twice = next(key for index, key in enumerate(keys) if key in keys[:index])
            raise InvalidInput(f"{subject} has the key {describe(twice)} twice in one object, expected each key once")

    json.loads(body.decode(), object_pairs_hook=check)  # orjson accepts duplicate keys and returns the last value.
    return document


def describe(value: object) -> str:
    """Return a value as JSON for a message, truncated if it is long."""
    if value is None:
        return "missing"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has only null for these values.
    try:
        return _cut(orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS).decode())
    except TypeError:  # A lone surrogate, or an integer above 64 bits.
        return _cut(ascii(value))


def only_known(fields: Mapping[str, Any], known: Collection[str], *, where: str = "") -> None:
    """Reject unknown fields, so that misspelt fields are not ignored."""
    for name in fields:
        if name not in known:
            shown = _cut(name) if name.isprintable() and not is_blank(name) else describe(name)
            raise InvalidInput(f"{where}{shown} is not a known field, expected {', '.join(known)}")


def is_blank(value: str) -> bool:
    """Return true if a string contains only blank characters, which include U+FEFF (the byte order mark)."""
    return _BLANK.fullmatch(value) is not None


def text(value: object, name: str, *, maximum: int) -> str:
    """Return a nonblank string of at most `maximum` characters, without control characters and lone surrogates.

    Reject other values.
    """
    if not isinstance(value, str) or is_blank(value):
        raise InvalidInput(f"{name} is {describe(value)}, expected a non-empty string")
    if len(value) > maximum:
        raise InvalidInput(f"{name} has {len(value)} characters, expected at most {maximum}")
    if not value.isprintable():
        if _CONTROL_CHARACTER.search(value):
            raise InvalidInput(f"{name} is {describe(value)}, expected no control characters")
        if _HALF_A_PAIR.search(value):
            raise InvalidInput(f"{name} is {describe(value)}, expected no half of a surrogate pair")
    return value


def optional_string(fields: Mapping[str, Any], name: str, *, maximum: int) -> str | None:
    value = fields.get(name)
    return None if value is None else text(value, name, maximum=maximum)


def number(value: object, name: str, *, where: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(f"{where}{name} is {describe(value)}, expected a number")
    return float(value)


def optional_number(fields: Mapping[str, Any], name: str, *, where: str = "") -> float | None:
    value = fields.get(name)
    return None if value is None else number(value, name, where=where)


def elements(value: object, name: str, *, minimum: int, maximum: int) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput(f"{name} is {describe(value)}, expected a list")
    if not minimum <= len(value) <= maximum:
        raise InvalidInput(f"{name} has {len(value)} elements, expected {minimum} to {maximum}")
    return value


def as_object(value: object, *, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} is {describe(value)}, expected an object")
    return value


def json_object(value: object, where: str, *, maximum: int) -> dict[str, Any]:
    """Return an object, which is passed as such or as JSON in a string, such as Personalize's `properties`."""
    # Hand-written requests send an object, and client libraries send a string.
    text = orjson.dumps(value).decode() if isinstance(value, dict) else _json_text(value, where)
    if len(text) > maximum:
        raise InvalidInput(f"{where} has {len(text)} characters, expected at most {maximum}")
    return parse_sent_object(text.encode(), subject=where)


def _json_text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{where} is {describe(value)}, expected JSON in a string")
    return value


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


def _is_too_deep(document: object) -> bool:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH + 1):
        level = [node for node in level if isinstance(node, dict | list)]
        if not level:
            return False
        level = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
    return True
