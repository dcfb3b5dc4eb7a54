"""Champion with known results, and later purchases of its users."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from alsolike.bundle.manifest import HistoryParameters
from alsolike.declarations.times import DAY_MS
from model_export.data.training_data import TrainingData, encode
from tests.builders.bundles import MANIFEST, write_bundle

START_MS = 1_700_000_000_000
ITEMS = ("a", "b", "c", "d", "e")
HISTORY = HistoryParameters(length=3, half_life_days=math.inf, event_weights={"purchase": 5.0})
# The champion was trained on days 0 to 3, in which a has 5 + 1 interactions, b 5, c 5, d 4 and e none.
PAST = {f"old{user}": ["a", "b", "c", "d"] for user in range(4)} | {"old4": ["a", "b", "c", "a"]}


def shop(
    later: dict[str, list[str]], *, late: dict[str, list[str]] | None = None, past: dict[str, list[str]] = PAST
) -> TrainingData:
    """Return the past with later purchases of its users from day 4 on, and of new users from day 5 on."""
    days = {user: (0, [*items, *later.get(user, [])]) for user, items in past.items()}
    days |= {user: (5, items) for user, items in (late or {}).items()}
    rows = [
        (user, item, START_MS + (first + day) * DAY_MS)
        for user, (first, had) in days.items()
        for day, item in enumerate(had)
    ]
    users, items, times = zip(*rows, strict=True)
    interactions, item_ids, profile_ids = encode(
        user_ids=pa.chunked_array([users]),
        item_ids=pa.chunked_array([items]),
        time_ms=np.array(times, np.int64),
        weight=np.full(len(rows), 5.0, np.float32),
        catalogue=pa.chunked_array([ITEMS]),
    )
    return TrainingData("run-1", interactions, item_ids, [{}] * len(item_ids), {"purchase": 5.0}, profile_ids)


def champion(directory: Path, transitions: dict[tuple[str, str], float], **fields: Any) -> Path:
    values = {"version": "v1", "last_event_ms": START_MS + 3 * DAY_MS, "history": HISTORY, **fields}
    item_ids = values.pop("item_ids", ITEMS)
    write_bundle(
        directory,
        manifest=dataclasses.replace(MANIFEST, **values),
        item_ids=item_ids,
        transitions=transitions,
        popular=item_ids[:1],
    )
    return directory
