"""Description of the API, and the check of responses against it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from alsolike.api.openapi import description
from alsolike.configuration.configuration import DEFAULT

DESCRIPTION = description(DEFAULT)


def described(key: str) -> dict[str, Any]:
    method, path = key.split()
    operation: dict[str, Any] = DESCRIPTION["paths"][path][method.lower()]
    return operation


@functools.cache
def validator(name: str) -> Any:
    return Draft202012Validator(DESCRIPTION["components"]["schemas"][name])


def check_answer(key: str, answer: Mapping[str, Any]) -> None:
    """Raise an error if the document of a successful response does not match the schema of its route."""
    if answer["statusCode"] < 300:
        schema = described(key)["responses"][str(answer["statusCode"])]["content"]["application/json"]["schema"]
        validator(schema["$ref"].rpartition("/")[2]).validate(answer["document"])
