"""rules: a request with each type of rule, compared with a request without rules."""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.document import parse
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.recommending import dependencies_of, history_of, write_bundle
from functions.recommend import dispatch, handler
from functions.recommend.state.model import Model

ITEMS = 20_000
BRANDS, TAGS = 400, 300
COLUMNS = {
    "brand": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "price": ColumnType.NUMBER,
    "creationTimestamp": ColumnType.TIMESTAMP,
}
FILTERS = {
    "some": "INCLUDE ItemID WHERE Items.PRICE < 20",
    "others": "INCLUDE ItemID WHERE Items.PRICE > 50",
}
KINDS: dict[str, dict[str, Any]] = {
    "a pin": {"pins": [{"item": "item7", "position": 1}]},
    "a boost and a demotion": {
        "boosts": [{"filter": "some", "factor": 2}],
        "demotions": [{"filter": "others", "factor": 0.5}],
    },
    "a promotion": {"promotions": [{"filter": "some", "share": 0.2}]},
    "two slate rules": {"slate": [{"column": "brand", "at_most": 1}, {"column": "price", "spread": 5}]},
    "diversity": {"diversity": {"dial": 0.3, "columns": ["brand", "tags"]}},
    "exploration": {"exploration": {"share": 0.1, "new_for_days": 14}},
}


def rules() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as directory:
        write_bundle(ITEMS, Path(directory))
        model, recent = Model(Path(directory)), history_of(ITEMS)
        snapshot = Snapshot([Segment.of([_item(number) for number in range(1, ITEMS + 1)], COLUMNS)], version="v1")
        kinds = {**KINDS, "all of them": {part: rule for kind in KINDS.values() for part, rule in kind.items()}}
        dependencies = {
            kind: dependencies_of(model, snapshot, recent, configuration=_configuration(rules))
            for kind, rules in {"without": {}, **kinds}.items()
        }
        event = {"routeKey": "POST /recommendations", "body": orjson.dumps({"userId": "anna"}).decode()}

        def answer(kind: str) -> None:
            setattr(dispatch, "current_dependencies", lambda: dependencies[kind])  # noqa: B010
            handler.lambda_handler(event, CONTEXT)

        with quiet():
            medians = cpu_medians_ms(
                {kind: functools.partial(answer, kind) for kind in dependencies}, rounds=20, repeats=20
            )
    for kind in kinds:
        yield Result(
            "rules",
            f"request with {kind}, {ITEMS:,} items",
            medians[kind],
            "the same without rules",
            medians["without"],
            note=f"{medians[kind] - medians['without']:+.2f} ms",
        )


def _item(number: int) -> Change:
    age_days = number % 365
    return Change(
        f"item{number}",
        0,
        {
            "brand": f"brand{number * 7 % BRANDS}",
            "tags": [f"tag{number * factor % TAGS}" for factor in (3, 11, 17)],
            "price": 1 + number * 13 % 100,
            "creationTimestamp": time.time() - age_days * 86_400,
        },
    )


def _configuration(rules: dict[str, Any]) -> Any:
    return parse(
        {
            "format": 1,
            "items": {"columns": {name: kind.value for name, kind in COLUMNS.items()}},
            "filters": FILTERS,
            "rules": {"r": rules},
            "recommenders": {"for-you": {"rules": "r"}},
        }
    )
