"""Search for user and session IDs in records that are wrapped, differently encoded, truncated or malformed."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.events.interactions import MAX_TIME_MS, USER_PREFIX

_NO_PERSON = frozenset(
    ("itemid", "eventtype", "eventid", "recommendationid", "impression", "query", "trackingid", "eventname")
)
"""Fields whose values are not user IDs, even if equal to one. For example, item IDs can equal user IDs."""

_MAX_ESCAPES = 5
"""Maximum depth of JSON strings that contain JSON, in damaged JSON and other text."""

_NO_VALUE = frozenset(("null", "None", "true", "True", "false", "False", "undefined"))
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_GZIP = b"\x1f\x8b"

_BASE64 = re.compile(r"[\w+/-]{8,}={0,2}", re.ASCII)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
# Possessive quantifiers keep the matching time of these patterns linear. `cut` matches if a bare value ends the text,
# and may therefore be truncated.
_PAIR = re.compile(
    r"""["']?(?<![\w.-])(?P<name>[\w.-]{1,40}+)["']?\s*+[:=]\s*+
    (?:"(?P<double>(?:[^"\\]|\\.)*+)"|'(?P<single>(?:[^'\\]|\\.)*+)'|(?P<bare>[^\s"'{}\[\],;&]++)(?P<cut>\Z)?)""",
    re.VERBOSE | re.DOTALL,
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)("|\Z)', re.DOTALL)
_FIELD = re.compile(r'(?:"(?P<name>(?:[^"\\]|\\.)*+)"\s*+:\s*+)?"(?P<string>(?:[^"\\]|\\.)*+)(?P<end>"|\Z)', re.DOTALL)
_BARE = re.compile(r'\s*+\{[^"]*+', re.DOTALL)  # The ID "e0000000" decodes from base64 to "{" and other bytes.
_WORDS = (re.compile(r"[\w.@-]+"), re.compile(r"""[^\s"'<>&=,;{}\[\]()]+"""))


class SessionLogin(NamedTuple):
    """User ID and session ID in the same JSON object of a record.

    Attributes
    ----------
    order
        Sort key: [event time in epoch milliseconds, event ID]. Objects without a time have `MAX_TIME_MS`.
    """

    user_id: str
    session_id: str
    order: list[Any]


@dataclasses.dataclass(slots=True)
class RecordIds:
    """Possible IDs in a record.

    Attributes
    ----------
    users, sessions
        Values of the fields for user ID and session ID, at any depth.
    values
        Other strings, words and field names that may be IDs.
    is_complete
        False if an unreadable part of the record may contain further IDs.
    """

    users: set[str] = dataclasses.field(default_factory=set)
    sessions: set[str] = dataclasses.field(default_factory=set)
    values: set[str] = dataclasses.field(default_factory=set)
    logins: list[SessionLogin] = dataclasses.field(default_factory=list)
    is_complete: bool = True


IsUser: TypeAlias = Callable[[str], bool]
"""Predicate on the value of a user ID field: true if the value is certainly a user ID."""


class _Object(list[tuple[str, Any]]):
    """Fields of a JSON object, including duplicates."""


def read_ids(data: bytes) -> RecordIds:
    """Return the possible IDs in JSON, or in text of an unknown encoding if the data are not valid JSON."""
    ids = RecordIds()
    try:
        document = _parse(data)
    except ValueError:
        ids.is_complete = not data.strip()
        for text, is_user in _texts(data):
            _search(ids, _read_text(ids, text, is_user), is_user)
    else:
        _search(ids, [document], _any)
    return ids


def _search(ids: RecordIds, pending: list[Any], is_user: IsUser) -> None:
    """Collect the IDs in values. The search is iterative, because deep nesting would exceed the recursion limit."""
    while pending:
        value = pending.pop()
        if isinstance(value, _Object):
            pending += _read_object(ids, value, is_user)
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str):
            pending += _read_string(ids, value, is_user)


def _parse(data: bytes | str) -> Any:
    """Parse JSON in UTF-8, UTF-16 or UTF-32. Raise ValueError for anything else."""
    try:
        return json.loads(data, object_pairs_hook=_Object)
    except RecursionError as error:
        raise ValueError("the nesting is too deep") from error


def _any(user_id: str) -> bool:
    return True


def _none(user_id: str) -> bool:
    return False


def _read_object(ids: RecordIds, fields: _Object, is_user: IsUser) -> list[Any]:
    """Collect the IDs in fields, and return the values that may contain further IDs."""
    plain = [(_plain(name), value) for name, value in fields]
    users = [user for field, value in plain if field == "userid" for user in _leaves(value)]
    users = [user for user in users if is_user(user)]
    sessions = [session for field, value in plain if field == "sessionid" for session in _leaves(value)]
    ids.users.update(spelling for user in users for spelling in _spellings(user))
    ids.sessions.update(sessions)
    ids.values.update(name for name, _ in fields)
    if len(users) == len(sessions) == 1 and len(sessions[0]) <= MAX_ID_CHARACTERS:
        ids.logins.append(SessionLogin(users[0], sessions[0], _order(dict(plain))))
    return [value for field, value in plain if field not in _NO_PERSON or isinstance(value, _Object)]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _is_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _order(fields: dict[str, Any]) -> list[Any]:
    time_ms, event_id = fields.get("eventtimems"), fields.get("eventid")
    has_time = type(time_ms) is int and 0 < time_ms < MAX_TIME_MS
    return [time_ms if has_time else MAX_TIME_MS, _unicode(event_id) if isinstance(event_id, str) else ""]


def _leaves(value: Any) -> Iterator[str]:
    """Yield the nonblank strings and the integers in a value as text. If a string contains JSON, also yield the strings
    and integers in this JSON. Field names are skipped.
    """
    pending = [value]
    while pending:
        leaf = pending.pop()
        if isinstance(leaf, str) and _is_like_json(leaf):
            with contextlib.suppress(ValueError):
                pending.append(_parse(leaf))
        if isinstance(leaf, _Object):
            pending += [inner for _, inner in leaf]
        elif isinstance(leaf, list):
            pending += leaf
        elif isinstance(leaf, float) and leaf.is_integer():
            yield str(int(leaf))
        elif isinstance(leaf, str | int) and not isinstance(leaf, bool) and str(leaf).strip():
            yield _unicode(str(leaf))


def _spellings(value: str) -> tuple[str, ...]:
    return value, value.strip(), value.removeprefix(USER_PREFIX)


def _words(text: str) -> Iterator[str]:
    """Yield the words of a string. Numbers are skipped, because they are IDs only as complete values."""
    for pattern in _WORDS:
        yield from (word for word in pattern.findall(text) if not word.isdigit())


def _read_string(ids: RecordIds, text: str, is_user: IsUser) -> list[Any]:
    """Collect a string and its words, and return JSON values that the string contains, in plain text or base64."""
    text = _unicode(text)
    ids.values.update(_spellings(text), _words(text))
    if _is_like_json(text):
        try:
            return [_parse(text)]
        except ValueError:
            ids.is_complete = False
            return _read_text(ids, text, is_user)
    if _BASE64.fullmatch(text):
        content = _from_base64(text)
        if content.startswith(_GZIP):
            ids.is_complete = False
        text = content.decode("utf-8", "replace")
        return [text] if _is_like_json(text) and not _BARE.fullmatch(text) else []
    return []


def _from_base64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "==")
    except binascii.Error:
        return b""


def _texts(data: bytes) -> Iterator[tuple[str, IsUser]]:
    """Yield the possible decodings of the bytes, each with a predicate for trustworthy user IDs.

    The predicate accepts all IDs in valid UTF-8, ASCII IDs in another 8-bit encoding, and no IDs if the bytes may be
    UTF-16.
    """
    is_wide = b"\0" in data
    try:
        if not is_wide:
            yield data.decode(), _any
            return
    except UnicodeDecodeError:
        pass
    for encoding in ("utf-8", "cp1252", "latin-1", *(("utf-16-le", "utf-16-be") if is_wide else ())):
        yield data.decode(encoding, "replace").replace("\0", ""), _none if is_wide else str.isascii


def _read_text(ids: RecordIds, text: str, is_user: IsUser) -> list[Any]:
    """Collect the IDs in damaged JSON or other text with names and values. Return the values to search further."""
    pending: list[Any] = []
    for _ in range(_MAX_ESCAPES + 1):
        fields = _Object((match["name"], _value(match)) for match in _PAIR.finditer(text) if match["cut"] is None)
        pending += _read_object(ids, fields, is_user)
        rest = _PAIR.sub(lambda match: " " if match["cut"] is None else match[0], text)
        ids.values.update(_unescaped(string) for string, _ in _STRING.findall(rest))
        ids.values.update(_strings(text))  # `_PAIR` also finds pairs in strings such as `"0:"`, which may be IDs.
        ids.values.update(_words(rest))
        if "\\" not in text:
            break
        text = _unescaped(_STRING.sub(_without_cut_value, text))
    return pending


def _strings(text: str) -> Iterator[str]:
    """Yield the complete strings, without values of the fields `_NO_PERSON`."""
    for match in _FIELD.finditer(text):
        if match["end"] and (match["name"] is None or _plain(match["name"]) not in _NO_PERSON):
            yield _unescaped(match["string"])


def _without_cut_value(match: re.Match[str]) -> str:
    """Return a string of damaged JSON, or a space for a truncated string that does not start like JSON.

    After unescaping, a truncated string such as `"ann\\"` could equal the ID of another user.
    """
    string, end = match.groups()
    return match[0] if end or _is_like_json(_unescaped(string)) else " "


def _value(match: re.Match[str]) -> str | None:
    if (bare := match["bare"]) is not None:
        return None if bare in _NO_VALUE else urllib.parse.unquote_plus(bare)
    return _unescaped(match["single"] if match["double"] is None else match["double"])


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROLS.get(code, code)

    return _unicode(_ESCAPE.sub(character, text))


def _unicode(text: str) -> str:
    """Return a string with surrogate pairs joined and unpaired surrogates replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
