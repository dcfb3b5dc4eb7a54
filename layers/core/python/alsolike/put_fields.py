"""Fields of Personalize's put calls: lists whose valid elements are kept, and JSON in a string."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from alsolike import wire
from alsolike.fields import ListOf
from alsolike.schemas import Schema
from alsolike.values import value_object


@value_object
class ListApart(ListOf):
    """A list whose elements the caller parses one by one, so that invalid ones are rejected individually."""

    def read(self, value: Any, where: str) -> list[Any]:
        """Return the elements unchanged; see `Field`."""
        return wire.elements(value, where, minimum=self.minimum, maximum=self.maximum)


@value_object
class JsonObject:
    """A JSON object in a string of up to `maximum` characters, or the object itself.

    The client libraries send a string, a hand-written request sends the object.

    Attributes
    ----------
    rules
        JSON Schema of the object; the reader checks these rules itself.
    """

    kind: ClassVar[str] = "JSON in a string"
    maximum: int
    rules: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    about: str = ""

    def read(self, value: Any, where: str) -> dict[str, Any]:
        """See `fields.Field`."""
        return wire.json_object(value, where, maximum=self.maximum)

    def schema(self) -> Schema:
        """See `fields.Field`."""
        held = {"type": "object", **self.rules}
        text = {
            "type": "string",
            "minLength": 1,
            "maxLength": self.maximum,
            "contentMediaType": "application/json",
            "contentSchema": held,
        }
        return {"anyOf": [text, held], **({"description": self.about} if self.about else {})}
