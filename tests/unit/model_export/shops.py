"""Builders of small shops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.bundle.manifest import Manifest
from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.declarations.times import DAY_MS
from alsolike.training.dataset import INTERACTIONS_FILE, ITEMS_FILE, MANIFEST_FILE, DatasetManifest
from model_export.api import Scorers
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.job.hyperparameters import Hyperparameters
from model_export.job.train import train


def interactions(
    sequences: Sequence[Sequence[int]], *, items: int | None = None, weight: float = 1.0, step_ms: int = 1000
) -> Interactions:
    """Return interactions with each user's items in order, `step_ms` apart."""
    rows = [
        (user, item, step * step_ms) for user, sequence in enumerate(sequences) for step, item in enumerate(sequence)
    ]
    user, item, time_ms = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Interactions.from_rows(
        user=user,
        item=item,
        time_ms=time_ms,
        weight=np.full(len(rows), weight, np.float32),
        users=len(sequences),
        items=items or int(item.max()),
    )


Bought = dict[int, list[int]]
"""Items of a user by day."""


def bought(*users: Bought, weight: float = 1.0) -> Interactions:
    rows = [(user, item, day) for user, days in enumerate(users) for day, items in days.items() for item in items]
    user, item, day = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Interactions.from_rows(
        user=user,
        item=item,
        time_ms=day * DAY_MS,
        weight=np.full(len(rows), weight, np.float32),
        users=len(users),
        items=int(item.max()),
    )


def history(*items: int, weights: Sequence[float] | None = None) -> Histories:
    """Return a single history, oldest first."""
    ones = [1.0] * len(items)
    return Histories(
        items=np.array([items], np.int64), weights=np.array([ones if weights is None else weights], np.float32)
    )


def judge_by(histories: Callable[[float], Histories], metric: Callable[[Floats], float]) -> Any:
    """Return a `Judge` that applies `metric` to weighted sums of scores. `histories` takes the half-life in days."""

    def ndcg_by_weights(key: object, half_life_days: float, scorers: Scorers) -> Callable[[Mapping[str, float]], float]:
        past = histories(half_life_days)
        return lambda weights: metric(np.sum([w * scorers[name](past) for name, w in weights.items()], axis=0))

    return SimpleNamespace(ndcg_by_weights=ndcg_by_weights)


def random_sequences(*, users: int, items: int, length: int, seed: int = 0) -> list[list[int]]:
    """Return random sequences in which the next number often follows an item."""
    rng = np.random.default_rng(seed)
    sequences = []
    for _ in range(users):
        item = int(rng.integers(items))
        sequence = [item + 1]
        for _ in range(length - 1):
            item = (item + 1) % items if rng.random() < 0.7 else int(rng.integers(items))
            sequence.append(item + 1)
        sequences.append(sequence)
    return sequences


def checkerboard(size: int) -> list[list[int]]:
    """Return sequences in which user u has all items of the same parity as u, except item u (numbered from 1)."""
    return [
        [item for item in range(1, size + 1) if item % 2 == user % 2 and item != user] for user in range(1, size + 1)
    ]


def write_dataset(
    directory: Path,
    sequences: Mapping[str, Sequence[str]],
    *,
    step_ms: int = DAY_MS,
    start_ms: int = 1_700_000_000_000,
    properties: Mapping[str, Mapping[str, object]] | None = None,
    history_length: int = HISTORY_LENGTH,
    event_types: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Write a dataset as build_dataset does, with each user's items `step_ms` apart.

    `event_types` contains the event types of each user's items. If None, the dataset has no column `event_type`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rows = [
        (f"u#{user}", item, start_ms + step * step_ms, 5.0, event_types[user][step] if event_types else "")
        for user, sequence in sequences.items()
        for step, item in enumerate(sequence)
    ]
    rows.sort(key=lambda row: row[2])
    columns = list(zip(*rows, strict=True)) or [(), (), (), (), ()]
    table = pa.table(
        {
            "profile_id": pa.array(columns[0], pa.string()),
            "item_id": pa.array(columns[1], pa.string()),
            "event_time_ms": pa.array(columns[2], pa.int64()),
            "weight": pa.array(columns[3], pa.float32()),
            **({"event_type": pa.array(columns[4], pa.string())} if event_types else {}),
        }
    )
    pq.write_table(table, directory / INTERACTIONS_FILE)
    item_properties = properties or {}
    documents = [orjson.dumps(dict(value)).decode() for value in item_properties.values()]
    items = {"item_id": pa.array(list(item_properties), pa.string()), "properties": pa.array(documents, pa.string())}
    pq.write_table(pa.table(items), directory / ITEMS_FILE)
    manifest = DatasetManifest(
        dataset_id="run-1", created_ms=0, rows_read=len(rows), interactions=len(rows), users=len(sequences),
        items=len({row[1] for row in rows}), catalogue_items=len(item_properties), dropped={},
        first_event_ms=rows[0][2] if rows else 0, last_event_ms=rows[-1][2] if rows else 0,
        event_weights={"purchase": 5.0}, minimum_item_interactions=1, minimum_user_interactions=1, repeat_share=0.0,
        lineage=(), history_length=history_length,
    )  # fmt: skip
    (directory / MANIFEST_FILE).write_bytes(manifest.to_json())
    return directory


def tiny_shop(
    directory: Path,
    *,
    users: int = 20,
    items: int = 15,
    length: int = 12,
    step_ms: int = DAY_MS,
    history_length: int = HISTORY_LENGTH,
) -> Path:
    sequences = random_sequences(users=users, items=items, length=length)
    return write_dataset(
        directory,
        {f"user{user}": [f"item{item:02d}" for item in sequence] for user, sequence in enumerate(sequences)},
        step_ms=step_ms,
        properties={"item01": {"title": "First"}},
        history_length=history_length,
    )


def circle_walks(*, users: int = 20, items: int = 9, length: int = 6) -> dict[str, list[str]]:
    """Return walks around a circle of items. User n starts at item n."""
    return {f"user{user}": [f"item{(user + step) % items:02d}" for step in range(length)] for user in range(users)}


def run_training(
    dataset: Path,
    output: Path,
    *,
    lines: list[str] | None = None,
    now_ms: int = 0,
    sentence_model: Path | None = None,
    **settings: Any,
) -> Manifest:
    hyperparameters = Hyperparameters(**settings)
    say = ([] if lines is None else lines).append
    return train(
        dataset=dataset, output=output, hyperparameters=hyperparameters, now_ms=now_ms, say=say,
        sentence_model=sentence_model,
    )  # fmt: skip
