"""Examples of docs/filters.md and their documented results."""

import re
from pathlib import Path

import numpy as np
import pytest

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs
from alsolike.filters.interactions import Recent
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot

DOCUMENT = (Path(__file__).parents[4] / "docs/filters.md").read_text()
EXAMPLES = re.findall(r"^\| `((?:INCLUDE|EXCLUDE) .+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
ITEMS = [
    [cell.strip() for cell in line.strip("| ").split("|")]
    for line in re.findall(r"^\| (?:fig|leek|soap) .*", DOCUMENT, re.M)
]
COLUMNS = {
    "genre": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "price": ColumnType.NUMBER,
    "organic": ColumnType.BOOLEAN,
}
BOUGHT_MS = 1_763_000_000_000


def properties(cells):
    genre, tags, price, organic = (*cells, "", "", "")[:4]
    found = {"genre": genre, "tags": tags and tags.split(", "), "price": float(price), "organic": organic == "true"}
    return {name: value for name, value in found.items() if value != "" and (name != "organic" or organic)}


def test_document_has_items_and_examples():
    assert (len(ITEMS), len(EXAMPLES)) == (3, 19)


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_documented_example_passes_the_documented_items(expression, expected):
    ids = [item_id for item_id, *_ in ITEMS]
    snapshot = Snapshot([Segment.of([Change(i, 0, properties(row)) for i, *row in ITEMS], COLUMNS)], version="1")

    def positions(item_ids):
        return np.array([ids.index(item_id) + 1 if item_id in ids else 0 for item_id in item_ids], np.int64)

    evaluator = FilterEvaluator(
        snapshot,
        np.concatenate([[-1], snapshot.rows(ids)]),
        positions=positions,
        canonical=DEFAULT.canonical_event_type,
    )
    recent = Recent(positions(["fig", "leek"]), ["view", "purchase"], np.array([BOUGHT_MS, BOUGHT_MS]))

    bias = evaluator.bias(
        parser.parse(expression.replace("\\|", "|")),
        FilterInputs(now_ms=BOUGHT_MS + 86_400_000, recent=recent, user={"likes": ["green"], "budget": 2}),
        name=expression,
    )

    passing = [item_id for item_id, value in zip(ids, bias[1:].tolist(), strict=True) if value == 0]
    assert passing == expected.split(", ")
