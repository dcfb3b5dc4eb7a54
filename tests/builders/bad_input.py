"""Requests with one violation each, generated from the API's description."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from alsolike.runtime.http import ERROR_TYPES
from tests.builders.api_description import DESCRIPTION, described

_KINDS: tuple[Any, ...] = ("text", 7, 0.5, True, [], ["text"], [[]], {}, {"a": {"a": 1}}, [None], 2**64 - 1, 1e300)
"""Values of several types, and numbers that no field accepts."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Invalid request.

    Attributes
    ----------
    says
        Words that the error message must contain: the field, and the limit if there is one.
    """

    name: str
    says: tuple[str, ...]
    body: Any = None
    query: dict[str, str] = dataclasses.field(default_factory=dict)
    path: dict[str, str] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def body_faults(key: str, good: Any) -> Iterator[Fault]:
    """Yield copies of the valid body `good`, each with one fault."""
    reference = described(key)["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = DESCRIPTION["components"]["schemas"][reference.rpartition("/")[2]]
    Draft202012Validator(schema).validate(good)
    yield from _faults(schema, good, (), good)


def _faults(schema: dict[str, Any], good: Any, path: tuple[str | int, ...], value: Any) -> Iterator[Fault]:
    """Yield faults of the value at `path`. `value` is valid."""
    field = _written(path)
    for wrong, says in _wrong(schema, value):
        yield Fault(f"{field or 'body'} {_short(wrong)}", (field, *says), body=_with(good, path, wrong))
    forms = [_plain(each) for each in (schema, *schema.get("anyOf", ()))]
    form = next((each for each in forms if each.get("type") in ("object", "array")), schema)
    if form.get("type") == "object" and isinstance(value, dict):
        for name in schema.get("required", ()):
            yield Fault(f"{field} without {name}", (name, "missing"), body=_with(good, (*path, name), None))
        if form.get("additionalProperties") is False:
            yield Fault(
                f"{field} with an unknown field",
                ("surprise", "not a known field"),
                body=_with(good, (*path, "surprise"), 1),
            )
        for name, each in form.get("properties", {}).items():
            if name in value:
                yield from _faults(each, good, (*path, name), value[name])
    if form.get("type") == "array" and isinstance(value, list) and value:
        yield from _faults(form["items"], good, (*path, 0), value[0])


def _wrong(schema: dict[str, Any], good: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    judge = Draft202012Validator(schema)
    candidates: list[tuple[Any, tuple[str, ...]]] = [(each, ()) for each in _KINDS]
    for form in [schema, *schema.get("anyOf", [])]:
        if "maxLength" in form:
            candidates += [
                ("x" * (form["maxLength"] + 1), (str(form["maxLength"]),)),
                ("", ()),
                (" ", ()),
                ("a\x00", ()),
            ]
        if "maxItems" in form:
            candidates += [([_element(good)] * (form["maxItems"] + 1), (str(form["maxItems"]),))]
        if "minimum" in form:
            candidates += [(form["minimum"] - 1, ())]
        if "maximum" in form:
            candidates += [(form["maximum"] + 1, ())]
        if "maxProperties" in form:
            many = {f"a{number}": "1" for number in range(form["maxProperties"] + 1)}
            candidates += [(many, (str(form["maxProperties"]),))]
    yield from ((wrong, says) for wrong, says in candidates if not judge.is_valid(wrong))


def query_faults(key: str) -> Iterator[Fault]:
    parameters = [each for each in described(key).get("parameters", []) if each["in"] == "query"]
    if parameters:
        yield Fault("an unknown parameter", ("surprise", "not a known field"), query={"surprise": "1"})
        yield Fault("half a surrogate pair", ("not a known field",), query={"\ud800": "1"})
    for parameter in parameters:
        name, schema = parameter["name"], _plain(parameter["schema"])
        for query, says in _wrong_texts(name, schema):
            yield Fault(f"{name}={_short(query)}", (name, *says), query=query)


def _wrong_texts(name: str, schema: dict[str, Any]) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    if schema["type"] == "integer":
        limits = (str(schema["minimum"]), str(schema["maximum"]))
        for text in ("", "x", "1.5", "²", str(schema["minimum"] - 1), str(schema["maximum"] + 1), "9" * 5000):
            yield {name: text}, limits
    elif schema["type"] == "boolean":
        yield from (({name: text}, ("true or false",)) for text in ("", "1", "maybe"))
    elif "enum" in schema:
        yield from (({name: text}, tuple(schema["enum"])) for text in ("", "other", "x" * 5000))
    elif schema["type"] == "array":
        too_many = ",".join("a" * (schema["maxItems"] + 1))
        yield {name: too_many}, (str(schema["maxItems"]),)
        yield {name: "a,,b"}, ()
        yield {name: "x" * (schema["items"]["maxLength"] + 1)}, (str(schema["items"]["maxLength"]),)
    elif schema["type"] == "object":
        yield {name: "1"}, (f"{name}[NAME]",)
        yield {f"{name}[a]": ""}, ()
        longest = schema["additionalProperties"]["maxLength"]
        yield {f"{name}[a]": "x" * (longest + 1)}, (str(longest),)
        yield {f"{name}[{'x' * (schema['propertyNames']['maxLength'] + 1)}]": "1"}, ()
        yield (
            {f"{name}[a{number}]": "1" for number in range(schema["maxProperties"] + 1)},
            (str(schema["maxProperties"]),),
        )
    else:
        yield {name: "x" * (schema["maxLength"] + 1)}, (str(schema["maxLength"]),)
        yield from (({name: text}, ()) for text in ("", " ", "a\x00", "a\ud800"))


def path_faults(key: str) -> Iterator[Fault]:
    for name in path_parameters(key):
        for text in (
            " ",
            "a\x00",
            "x" * 257,
            "~",
            "~!!",
            "~_w",
            "~" + "YWFh" * 100,
            "~AA",
            "\ud800",
            "~\ud800",
            "\ufffd",
        ):
            yield Fault(f"{name} {_short(text)}", (name,), path={name: text})


def path_parameters(key: str) -> list[str]:
    return [each["name"] for each in described(key).get("parameters", []) if each["in"] == "path"]


def is_refusal(answer: dict[str, Any], *, says: tuple[str, ...]) -> bool:
    message = answer["document"].get("message", "")
    is_error = answer["statusCode"] in (400, 404) and answer["headers"].get("x-amzn-errortype") in ERROR_TYPES
    return is_error and 0 < len(message) < 4_000 and all(each in message for each in says)


UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "null": b"null",
    "invalid UTF-8": b'{"a":"\xff\xfe"}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "deep objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep lists": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a huge whole number": b'{"a":' + b"9" * 100_000 + b"}",
    "a huge number": b'{"a":1e999999}',
    "NaN": b'{"a":NaN}',
    "far too long": b'{"a":"' + b"x" * 5_000_000 + b'"}',
}
"""Bodies that are invalid for every route."""


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without the type null."""
    if isinstance(schema.get("type"), list):
        return {**schema, "type": next(each for each in schema["type"] if each != "null")}
    return schema


def _with(good: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(good)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return changed


def _written(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _element(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else "x"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}… ({len(text)})"
