"""Few items, and models that contain them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs
from alsolike.filters.interactions import Recent
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from tests.unit.alsolike.catalogue_columns import through_a_file

COLUMNS = {
    "genre": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "price": ColumnType.NUMBER,
    "organic": ColumnType.BOOLEAN,
    "creationTimestamp": ColumnType.TIMESTAMP,
    "description": ColumnType.TEXT,
}
SHOP: dict[str, dict[str, Any]] = {
    "fig": {"genre": "fruit", "tags": ["sweet", "soft"], "price": 3, "organic": True, "creationTimestamp": 100},
    "leek": {"genre": "vegetable", "tags": ["green"], "price": 1.5, "organic": False},
    "soap": {"price": 2, "tags": []},
    "bare": {},
}
UNLISTED = "unlisted"  # The model contains this item, but the catalogue does not.


@dataclasses.dataclass(frozen=True)
class Event:
    item_id: str
    event_type: str
    seconds: int


class Model:
    def __init__(
        self,
        item_ids: Sequence[str],
        *segments: Mapping[str, Mapping[str, Any] | None],
        barred: Sequence[str] = (),
        from_files: bool = False,
    ) -> None:
        self.item_ids = item_ids
        made = [Segment.of([Change(i, n, p) for i, p in items.items()], COLUMNS) for n, items in enumerate(segments)]
        snapshot = Snapshot([through_a_file(each) for each in made] if from_files else made, version="1")
        rows = np.concatenate([[-1], snapshot.rows(list(item_ids))])
        self.evaluator = FilterEvaluator(
            snapshot,
            rows,
            positions=self.positions,
            canonical=DEFAULT.canonical_event_type,
            barred=self.positions(barred),
        )

    def positions(self, item_ids: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([self.item_ids.index(i) + 1 if i in self.item_ids else 0 for i in item_ids], np.int64)

    def passing(self, expression: str, *, events: Sequence[Event] = (), **inputs: Any) -> list[str]:
        recent = Recent(
            self.positions([event.item_id for event in events]),
            [event.event_type for event in events],
            np.array([event.seconds * 1000 for event in events], np.int64),
        )
        bias = self.evaluator.bias(
            parser.parse(expression), FilterInputs(recent=recent, **{"now_ms": 0, **inputs}), name=expression
        )
        assert bias.dtype == np.float32
        assert set(np.unique(bias).tolist()) <= {0.0, -np.inf}
        return [item_id for item_id, value in zip(self.item_ids, bias[1:].tolist(), strict=True) if value == 0]
