"""Four items of which every token is in two, and the index that finds the nearest of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.content_index import UNSCALED, ContentIndex, Scales
from model_export.item_content import content_index, item_content

ITEMS = {
    "vase": {"colour": "red", "kind": "glass"},
    "bowl": {"colour": "red", "kind": "clay"},
    "cup": {"colour": "blue", "kind": "glass"},
    "jug": {"colour": "blue", "kind": "clay"},
}


def index_of(
    items: Mapping[str, Mapping[str, Any]] = ITEMS, *, scales: Scales = UNSCALED, rare: Sequence[str] = ()
) -> ContentIndex:
    return content_index(list(items), item_content(list(items.values())), scales=scales, rare_ids=rare)
