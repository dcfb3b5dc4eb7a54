"""Reader of an environment's settings in `cdk.json`."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.settings import SIZES, Settings
from infra_cdk.settings_checks import InvalidSettings, place

T = TypeVar("T")


def load_settings(environments: object, name: str, overrides: Mapping[str, object] | None = None) -> Settings:
    if not isinstance(environments, Mapping):
        raise InvalidSettings(f"cdk.json: context.environments is {environments!r}, expected an object by name")
    if name not in environments:
        raise InvalidSettings(
            f"environment {name!r} is not in cdk.json: context.environments has {sorted(environments)}"
        )
    location = place(name)
    given = environments[name]
    if not isinstance(given, Mapping):
        raise InvalidSettings(f"{location} is {given!r}, expected an object")
    given = {**given, **(overrides or {})}
    if isinstance(given.get("kafka"), Mapping):
        given["kafka"] = _read(KafkaSettings, given["kafka"], location=f"{location}.kafka")
    defaults = SIZES.get(str(given.get("size", "small")), {})
    return _read(Settings, {**defaults, **given}, location=location, name=name)


def _read(kind: type[T], given: Mapping[str, object], *, location: str, **own: str) -> T:
    """Return the settings in `given` as an instance of `kind`. `own` has the fields that `given` must not contain."""
    expected = {key: hint for key, hint in typing.get_type_hints(kind).items() if key not in own}
    for key, value in given.items():
        if key not in expected:
            raise InvalidSettings(f"{location}.{key} is unknown; known are {sorted(expected)}")
        if not _is_a(value, expected[key]):
            raise InvalidSettings(f"{location}.{key} is {value!r}, expected {described(expected[key])}")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING and field.name in expected.keys() - given.keys():
            raise InvalidSettings(f"{location}.{field.name} is missing")
    try:
        return kind(**own, **given)
    except InvalidSettings as error:
        raise InvalidSettings(f"{location}.{error}") from None


def _is_a(value: object, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_is_a(value, part) for part in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if typing.get_origin(hint) is Sequence:
        return isinstance(value, list) and all(_is_a(part, typing.get_args(hint)[0]) for part in value)
    # In Python, bool is a subclass of int, but true is not valid as a number.
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def described(hint: Any) -> str:
    """Return the values that a setting of this type accepts, as text."""
    if isinstance(hint, types.UnionType):
        return " or ".join(described(part) for part in typing.get_args(hint))
    if typing.get_origin(hint) is Literal:
        return " or ".join(repr(value) for value in typing.get_args(hint))
    if typing.get_origin(hint) is Sequence:
        return f"a list of {described(typing.get_args(hint)[0])}"
    if dataclasses.is_dataclass(hint):
        return "an object"
    names = {"str": "text", "int": "a whole number", "bool": "true or false", "NoneType": "null"}
    return names[hint.__name__]
