"""Items of the catalogue with metadata columns, each stored as one DynamoDB item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.catalogue.row_store import RowStore
from alsolike.catalogue.rows import RowKind
from alsolike.configuration.columns import column_name as column_name
from alsolike.declarations.limits import MAX_ITEM_COLUMNS, MAX_ITEM_PROPERTIES_CHARACTERS
from alsolike.runtime.struct import struct


@struct
class Item:
    """Item of the catalogue. `properties` are metadata columns by name in camelCase (`title`, `creationTimestamp`)."""

    item_id: str
    properties: Mapping[str, Any]


ITEMS = RowKind("item", "items", "itemId", "item_id", MAX_ITEM_PROPERTIES_CHARACTERS, MAX_ITEM_COLUMNS, make=Item)


class CatalogueStore(RowStore[Item]):
    kind = ITEMS
