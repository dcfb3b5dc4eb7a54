"""Statistics of small shops, counted pair by pair without a limit."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.declarations.times import DAY_MS
from alsolike.training.dataset import START_QUANTILE
from alsolike.training.statistics import (
    GRAM,
    ITEM_STATISTICS,
    ITEMS,
    PAIR_COLUMNS,
    STATISTICS,
    STATISTICS_MANIFEST,
    TRANSITIONS,
    WEIGHTS,
    Counting,
    StatisticsManifest,
    directory,
)
from model_export.data.interactions import Interactions

COUNTING = Counting(session=8)


def count(path: Path, data: Interactions, *, counting: Counting = COUNTING, ids: Sequence[str] | None = None) -> None:
    """Write the statistics up to the end of the data. In the Gram matrix, the lower position is the source of a pair.

    Items without interactions are skipped. Positions follow falling frequency, then IDs.
    """
    ids = ids or [f"i{item:02}" for item in range(1, data.items + 1)]
    often = Counter(data.item.tolist())
    order = sorted(often, key=lambda item: (-often[item], ids[item - 1]))
    position = {item: number for number, item in enumerate(order, start=1)}
    follows: dict[tuple[int, int], float] = defaultdict(float)
    together: Counter[tuple[int, int]] = Counter()
    sessions: Counter[int] = Counter()
    offsets = data.offsets
    for start, end in pairwise(offsets.tolist()):
        sequence = [position[item] for item in data.item[start:end].tolist()]
        weights = data.weight[start:end].tolist()
        for (place, item), (later, other) in combinations(enumerate(sequence), 2):
            if later - place <= counting.max_gap:
                value = weights[later] * counting.gap_decay ** (later - place - 1)
                follows[item, other] += value
                follows[other, item] += counting.backward * value
        for begin in range(0, len(sequence), counting.session):
            had = sorted(set(sequence[begin : begin + counting.session]))
            sessions.update(had)
            together.update(combinations(had, 2))
    sums: dict[int, float] = defaultdict(float)
    for (source, _), value in follows.items():
        sums[source] += value
    ages = (int(data.time_ms.max(initial=0)) - data.time_ms) / DAY_MS
    weighed = [
        [float((data.weight * 0.5 ** (ages / days))[data.item == item].sum()) for item in order]
        for days in WEIGHTS.values()
    ]
    positions = list(range(1, len(order) + 1))
    item_counts = [
        positions,
        [ids[item - 1] for item in order],
        [often[item] for item in order],
        [sessions[number] for number in positions],
        [sums[number] for number in positions],
        *weighed,
    ]
    files: list[tuple[str, Sequence[str], list[Any]]] = [
        (ITEMS, ITEM_STATISTICS, item_counts),
        (TRANSITIONS, PAIR_COLUMNS, [*zip(*follows, strict=True), list(follows.values())]),
        (GRAM, PAIR_COLUMNS, [*zip(*together, strict=True), [float(number) for number in together.values()]]),
    ]
    for name, names, values in files:
        (path / name).mkdir(parents=True)
        table = pa.table([pa.array(column) for column in values], names=list(names))
        pq.write_table(table, path / name / "part-0.parquet")


def counts_of(
    dataset: Path,
    data: Interactions,
    ids: Sequence[str],
    *,
    champion_ms: int | None = None,
    tested_ms: int | None = None,
) -> StatisticsManifest:
    manifest = StatisticsManifest.of(
        Counting(),
        start_ms=int(np.quantile(data.time_ms, START_QUANTILE, method="higher")),
        tested_ms=int(data.time_ms.max()) if tested_ms is None else tested_ms,
        last_ms=int(data.time_ms.max()),
        champion_ms=champion_ms,
    )
    if manifest.since_ms is not None:
        later = data.time_ms[data.time_ms > manifest.since_ms]
        half_ms = int(np.quantile(later, 0.5, method="lower"))
        manifest = dataclasses.replace(manifest, half_ms=half_ms)
    for moment_ms in manifest.moments:
        until = data.select(data.time_ms <= moment_ms)
        count(dataset / STATISTICS / directory(moment_ms), until, counting=manifest.counting, ids=ids)
    (dataset / STATISTICS / STATISTICS_MANIFEST).write_bytes(manifest.to_json())
    return manifest
