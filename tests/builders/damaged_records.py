"""Records that no consumer can parse: with the ID of a user, a session or other users, or with an unknown owner."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

USER, SESSION = "zoë/lee", "visit-7"
_RECORD = {"user_id": USER, "session_id": SESSION, "event_time_ms": -1, "item_id": "pear"}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _cut(data: bytes) -> bytes:
    return data[: data.index(b"pear")]


NAMING_USER = {
    "list": _json({"user_id": [USER]}),
    "object": _json({"user_id": {"id": USER, "type": "customer"}}),
    "JSON in the field": _json({"user_id": json.dumps([USER])}),
    "two fields": _json({"user_id": USER, "userId": "bob"}),
    "two fields, the other first": _json({"user_id": "bob", "userId": USER}),
    "repeated field": b'{"user_id": "zo\\u00eb/lee", "user_id": "bob"}',
    "padded": _json({"user_id": f" {USER} "}),
    "empty field and another": _json({"user_id": "", "customer": USER}),
    "escaped slash, truncated": _cut(_json(_RECORD).replace(b"/", b"\\/")),
    "capital hexadecimals, truncated": _cut(json.dumps(_RECORD).replace("\\u00eb", "\\u00EB").encode()),
    "truncated": _cut(_json(_RECORD)),
    "list, truncated": _json({"user_id": [USER, "x"]})[:-5],
    "two fields, truncated": _json({"user_id": ["x"], "userId": USER, "item_id": "pear"})[:-3],
    "Latin-1": _json(_RECORD).decode().encode("latin-1"),
    "Latin-1, truncated": _cut(_json(_RECORD).decode().encode("latin-1")),
    "UTF-16": _json(_RECORD).decode().encode("utf-16"),
    "UTF-16 without a mark, truncated": _json(_RECORD).decode().encode("utf-16-be")[:101],
    "UTF-32": _json(_RECORD).decode().encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf" + _json(_RECORD),
    "one wrong byte": _json(_RECORD).replace(b"pear", b"p\xffar"),
    "single quotes": repr(_RECORD).encode(),
    "form": b"user_id=zo%C3%AB%2Flee&item_id=pear",
    "envelope": _json({"source": "shop", "detail": {"records": [{"userId": "bob"}, {"userId": USER}]}}),
    "envelope of another user": _json({"user_id": "gateway", "payload": {"user_id": USER}}),
    "envelope with text": _json({"body": json.dumps({"user_id": USER})}),
    "envelope with text, truncated": _json({"body": json.dumps({"user_id": USER, "item_id": "pear"})})[:-5],
    "envelope in base64": _json({"data": base64.b64encode(_json({"user_id": USER})).decode()}),
    "deep": b"[" * 20_000 + _json({"user_id": USER}),
    "sentence": b"rejected event of zo\xc3\xab/lee",
}
"""Damaged records in which the user's ID is readable."""

NAMING_SESSION = {
    "empty user": _json({"user_id": "", "session_id": SESSION}),
    "no user": _json({"sessionId": SESSION}),
    "empty list": _json({"user_id": [], "session_id": [SESSION]}),
    "truncated": b'{"session_id":"visit-7","item_',
    "envelope": _json({"detail": {"session_id": SESSION}}),
}

UNDECIDED = {
    "cut in the ID": b'{"user_id":"zo',
    "cut before the user": b'{"item_id":"pear","us',
    "compressed": gzip.compress(_json(_RECORD)),
    "compressed, in base64": _json({"data": base64.b64encode(gzip.compress(_json(_RECORD))).decode()}),
    "EBCDIC": _json({"user_id": "zoe"}).decode().encode("cp500"),
    "Cyrillic, in KOI8-R": '{"user_id":"зоя"}'.encode("koi8-r"),
    "cut after another user": b'{"userId":"bob","user_id":["zo\xc3\xab/lee"',
}
"""Damaged records whose owner cannot be determined."""

OF_OTHERS = {
    "another user": _json({"user_id": "bob", "customer": USER}),
    "another user, truncated": b'{"user_id":"bob","session_id":"visit-7","item_',
    "another user, Latin-1": '{"user_id":"bob","item_id":"blåbær"}'.encode("latin-1"),
    "longer ID": _json({"user_id": f"{USER}son"}),
    "capital letters": _json({"customer": USER.upper()}),
    "item": _json({"item_id": USER, "query": USER, "event_type": USER, "impression": [USER]}),
    "another session": _json({"session_id": "visit-70"}),
    "no user": b"{}",
    "number": b"7",
    "empty": b"",
}
