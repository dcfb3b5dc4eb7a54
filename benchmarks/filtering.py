"""Filters over a catalogue of a million items, compared with a dense scan of a million vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from alsolike.arrays.ragged import Dictionary, Ragged
from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs
from alsolike.filters.interactions import Recent
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import BooleanColumn, ListColumn, NumberColumn, Snapshot, StringColumn
from benchmarks.measure import Result, cpu_medians_ms

ITEMS = 1_000_000
DIMENSIONS = 64
BRANDS, TAGS, TAGS_PER_ITEM = 5_000, 1_000, 3
INTERACTIONS = 100
NOW_MS = 1_790_000_000_000
DAY_S = 86_400

CASES = {
    "number comparison": "INCLUDE ItemID WHERE Items.PRICE < $PRICE",
    "text IN three": "INCLUDE ItemID WHERE Items.BRAND IN ($BRANDS)",
    "list IN three": "INCLUDE ItemID WHERE Items.TAGS IN ($TAGS)",
    "bought before": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
    "three by AND and NOT": (
        'INCLUDE ItemID WHERE Items.PRICE < $PRICE AND Items.AVAILABLE = true AND NOT Interactions.EVENT_TYPE IN ("*")'
    ),
    "launched in 7 days": "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 7 DAYS",
    "on sale now": "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP <= NOW AND Items.AVAILABLE_UNTIL > NOW",
    "user's brands": "INCLUDE ItemID WHERE Items.BRAND IN CurrentUser.BRANDS",
}


def filtering() -> Iterator[Result]:
    evaluator = _evaluator()
    vectors = np.random.default_rng(0).standard_normal((ITEMS, DIMENSIONS), np.float32)
    query = vectors[0].copy()
    works: dict[str, Callable[[], object]] = {"floor": lambda: vectors @ query}
    for name, expression in CASES.items():
        works[name] = _evaluation(evaluator, expression, itertools.count(1))
    medians = cpu_medians_ms(works)
    for name in works:
        if name != "floor":
            floor = "numpy scan"
            yield Result("filtering", name, medians[name], floor, medians["floor"])


def _evaluation(evaluator: FilterEvaluator, expression: str, calls: Iterator[int]) -> Callable[[], object]:
    """Return a function that evaluates a filter with a new user and new parameter values in each call."""
    parsed = parser.parse(expression)
    recent = Recent(
        np.arange(1, INTERACTIONS + 1) * 37,
        ["view", "purchase"] * (INTERACTIONS // 2),
        NOW_MS - np.arange(INTERACTIONS) * DAY_S * 1000,
    )
    users = itertools.count()

    def evaluate() -> object:
        call, user = next(calls), next(users)
        values = {
            "PRICE": (f"{20 + call}",),
            "BRANDS": tuple(f"brand{(call + n) % BRANDS}" for n in range(3)),
            "TAGS": tuple(f"tag{(call + n) % TAGS}" for n in range(3)),
        }
        inputs = FilterInputs(
            now_ms=NOW_MS + user,
            values={name: values[name] for name in parsed.parameters},
            recent=recent,
            user=_user(user),
        )
        return evaluator.bias(parsed, inputs, name=expression)

    return evaluate


def _user(number: int) -> Mapping[str, Any]:
    brands = [f"brand{(number + n) % BRANDS}" for n in range(3)]
    tags = [f"tag{(number + n) % TAGS}" for n in range(3)]
    return {"brand": brands[0], "brands": brands, "tags": tags, "budget": 30 + number % 40, "age": number % 40}


def _evaluator() -> FilterEvaluator:
    """Return an evaluator over synthetic items. The items' positions are a random permutation of the rows."""
    rng = np.random.default_rng(7)
    nothing = Ragged(np.zeros(ITEMS + 1, np.uint32), np.zeros(0, np.uint8))
    brands, brand_of = Dictionary.of([f"brand{number}" for number in range(BRANDS)])
    tags, tag_of = Dictionary.of([f"tag{number}" for number in range(TAGS)])
    tags_of_items = Ragged(
        np.arange(0, ITEMS * TAGS_PER_ITEM + 1, TAGS_PER_ITEM).astype(np.uint32),
        tag_of[rng.integers(0, TAGS, ITEMS * TAGS_PER_ITEM)],
    )
    seconds = NOW_MS // 1000
    segment = Segment(
        hashes=np.arange(ITEMS, dtype=np.uint64),
        ids=nothing,
        updated_at_ms=np.zeros(ITEMS, np.int64),
        tie_breaks=np.zeros(ITEMS, np.uint32),
        columns={
            "price": NumberColumn(ColumnType.NUMBER, rng.random(ITEMS) * 100),
            "available": BooleanColumn(rng.integers(-1, 2, ITEMS, np.int8)),
            "brand": StringColumn(brand_of[rng.integers(0, BRANDS, ITEMS)], brands),
            "tags": ListColumn(tags_of_items, np.ones(ITEMS, np.int8), tags, tags_of_items.inverted(TAGS)),
            "creationTimestamp": NumberColumn(
                ColumnType.TIMESTAMP, seconds - rng.integers(0, 1_000 * DAY_S, ITEMS).astype(np.float64)
            ),
            "availableUntil": NumberColumn(
                ColumnType.TIMESTAMP, seconds + rng.integers(-100, 100, ITEMS).astype(np.float64) * DAY_S
            ),
        },
        rest=nothing,
    )
    rows = np.concatenate([[-1], rng.permutation(ITEMS)])
    return FilterEvaluator(
        Snapshot([segment], version="bench"),
        rows,
        positions=lambda item_ids: np.zeros(len(item_ids), np.int64),
        canonical=DEFAULT.canonical_event_type,
    )
