"""Index of four items in which each token belongs to two items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import hashes_of
from alsolike.snapshot import content_index as module
from alsolike.snapshot.content_index import UNSCALED, ContentIndex, Scales
from alsolike.snapshot.item_tokens import item_tokens
from model_export.data.item_content import content_index, item_content

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


def cosines_one_by_one(index: ContentIndex, properties: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    hashes = hashes_of([token.encode() for token in item_tokens(properties)])
    tokens = [place for place, known in enumerate(index.token_hashes.tolist()) if known in hashes.tolist()]
    pairs = [(len(index.holders[token]), token, item) for token in tokens for item in index.holders[token].tolist()]
    shared = np.zeros(len(index.norms))
    for _, token, item in sorted(pairs)[: module.MAX_PAIRS]:
        shared[item] += float(index.idf[token] ** 2)
    length = float(np.sqrt((index.idf[tokens] ** 2).sum()))
    return np.divide(shared, length * index.norms, out=shared, where=shared > 0)
