"""Deterministic synthetic interactions: items follow a power law, and users have twenty interactions on average."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.declarations.times import DAY_MS
from model_export.data.interactions import Interactions
from model_export.data.item_content import item_content

INTERACTIONS_PER_USER = 20
"""Mean number of interactions per user."""

YEAR_MS = 365 * DAY_MS
BATCH_ROWS = 1_000_000
WORDS = 4


def synthetic_interactions(*, rows: int, items: int) -> Interactions:
    """Return interactions with frequencies proportional to 1 / rank of the item. Users and items are independent."""
    rng = np.random.default_rng(0)
    users = max(1, rows // INTERACTIONS_PER_USER)
    return Interactions.from_rows(
        user=rng.integers(0, users, rows, np.int32),
        item=_by_rank(rng, rows=rows, ranks=items),
        time_ms=rng.integers(0, YEAR_MS, rows),
        weight=np.ones(rows, np.float32),
        users=users,
        items=items,
    )


def with_columns(interactions: Interactions) -> Interactions:
    """Add content vectors. Each item has a brand and a title of `WORDS` words, drawn by power laws."""
    rng, items = np.random.default_rng(1), interactions.items
    brands = _by_rank(rng, rows=items, ranks=max(2, items // 20)).tolist()
    words = _by_rank(rng, rows=items * WORDS, ranks=max(2, items // 10)).reshape(items, WORDS).tolist()
    properties: list[dict[str, Any]] = [
        {"brand": f"b{brand}", "title": " ".join(f"w{word}" for word in title)}
        for brand, title in zip(brands, words, strict=True)
    ]
    return dataclasses.replace(interactions, content=item_content(properties).vectors)


def _by_rank(rng: np.random.Generator, *, rows: int, ranks: int) -> npt.NDArray[np.int32]:
    """Draw ranks from 1 to `ranks`. Their probabilities are proportional to 1 / rank."""
    cumulative = np.cumsum(1.0 / np.arange(1, ranks + 1))
    drawn = np.empty(rows, np.int32)
    for start in range(0, rows, BATCH_ROWS):
        piece = drawn[start : start + BATCH_ROWS]
        piece[:] = np.searchsorted(cumulative, rng.random(len(piece)) * cumulative[-1]) + 1
    return drawn
