"""Aliases, filters and columns that clients of Amazon Personalize created, stored in one S3 object."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import orjson

from alsolike.configuration.aliases import NEXT_BEST_ACTION, Alias
from alsolike.configuration.columns import CREATED
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.configuration.rules import Exploration
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.runtime.struct import struct
from alsolike.schema.document import Fault, InvalidConfiguration


@struct
class OwnNames:
    """Names and columns that Amazon Personalize's clients created. The clients' dataset schemas declare the columns."""

    aliases: Mapping[str, Alias]
    filters: Mapping[str, str]
    item_columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=dict)
    user_columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=dict)
    etag: str | None = None

    def added_to(self, configuration: Configuration) -> Configuration:
        """Return the configuration with these names and columns. Names of the configuration take precedence.

        Aliases that recommend items lose their exploration unless `creationTimestamp` is a declared timestamp, because
        exploration needs the age of items.
        """
        if not (self.aliases or self.filters or self.item_columns or self.user_columns):
            return configuration
        aliases, item_columns = self.aliases, {**self.item_columns, **configuration.item_columns}
        if item_columns.get(CREATED) is not ColumnType.TIMESTAMP:
            aliases = {
                name: alias if alias.recommender == NEXT_BEST_ACTION else dataclasses.replace(alias, exploration=None)
                for name, alias in aliases.items()
            }
        return dataclasses.replace(
            configuration,
            aliases={**aliases, **configuration.aliases},
            filters={**self.filters, **configuration.filters},
            item_columns=item_columns,
            user_columns={**self.user_columns, **configuration.user_columns},
            created_aliases=self.aliases,
            created_filters=self.filters,
            created_item_columns=self.item_columns,
            created_user_columns=self.user_columns,
        )

    @classmethod
    def of(cls, configuration: Configuration) -> Self:
        return cls(
            configuration.created_aliases,
            configuration.created_filters,
            configuration.created_item_columns,
            configuration.created_user_columns,
        )

    def to_json(self) -> bytes:
        aliases = {name: dataclasses.asdict(alias) for name, alias in self.aliases.items()}
        columns = {"item_columns": dict(self.item_columns), "user_columns": dict(self.user_columns)}
        return orjson.dumps({"aliases": aliases, "filters": dict(self.filters), **columns}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, body: bytes, *, etag: str) -> Self:
        try:
            document = orjson.loads(body)
            aliases = {name: _alias(entry) for name, entry in document["aliases"].items()}
            items, users = (_columns(document.get(name, {})) for name in ("item_columns", "user_columns"))
            return cls(aliases, document["filters"], items, users, etag)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidConfiguration([Fault((), f"{OWN_NAMES_KEY} is unreadable: {error}")]) from error


def _columns(types: Mapping[str, str]) -> dict[str, ColumnType]:
    return {name: ColumnType(type_) for name, type_ in types.items()}


def _alias(entry: Mapping[str, Any]) -> Alias:
    exploration = entry["exploration"]
    explored = None if exploration is None else Exploration(**exploration)
    return Alias(**{**entry, "hides": tuple(entry["hides"]), "exploration": explored})


NO_NAMES = OwnNames({}, {})
