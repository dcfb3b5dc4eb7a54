"""Names of campaigns, recommenders and filters that clients of Amazon Personalize created, in one S3 object."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import orjson

from alsolike.contract.document import Fault, InvalidConfiguration
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.domain.aliases import NEXT_BEST_ACTION, Alias
from alsolike.domain.columns import CREATED
from alsolike.domain.configuration import ColumnType, Configuration
from alsolike.domain.rules import Exploration
from alsolike.runtime.struct import struct


@struct
class OwnNames:
    """Aliases and filter expressions by name; `etag` is that of the object."""

    aliases: Mapping[str, Alias]
    filters: Mapping[str, str]
    etag: str | None = None

    def added_to(self, configuration: Configuration) -> Configuration:
        """Return the configuration with these names; its own names win.

        Exploration needs the time at which items were created, so it is left out unless the column is declared.
        """
        if not self.aliases and not self.filters:
            return configuration
        aliases = self.aliases
        if configuration.item_columns.get(CREATED) is not ColumnType.TIMESTAMP:
            aliases = {
                name: alias if alias.recommender == NEXT_BEST_ACTION else dataclasses.replace(alias, exploration=None)
                for name, alias in aliases.items()
            }
        return dataclasses.replace(
            configuration,
            aliases={**aliases, **configuration.aliases},
            filters={**self.filters, **configuration.filters},
            created_aliases=self.aliases,
            created_filters=self.filters,
        )

    @classmethod
    def of(cls, configuration: Configuration) -> Self:
        """Return the names that were added to a configuration."""
        return cls(configuration.created_aliases, configuration.created_filters)

    def to_json(self) -> bytes:
        """Return the object's body."""
        aliases = {name: dataclasses.asdict(alias) for name, alias in self.aliases.items()}
        return orjson.dumps({"aliases": aliases, "filters": dict(self.filters)}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, body: bytes, *, etag: str) -> Self:
        """Parse the object's body.

        Raises
        ------
        InvalidConfiguration
            If it is unreadable.
        """
        try:
            document = orjson.loads(body)
            aliases = {name: _alias(entry) for name, entry in document["aliases"].items()}
            return cls(aliases, document["filters"], etag)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
            raise InvalidConfiguration([Fault((), f"{OWN_NAMES_KEY} is unreadable: {error}")]) from error


def _alias(entry: Mapping[str, Any]) -> Alias:
    exploration = entry["exploration"]
    explored = None if exploration is None else Exploration(**exploration)
    return Alias(**{**entry, "hides": tuple(entry["hides"]), "exploration": explored})


NO_NAMES = OwnNames({}, {})
