"""Training statistics of a dataset: what follows what, and what goes together, counted where the interactions are.

They lie below a dataset, written by the job that has all of its interactions (`functions.build_dataset` on Spark) and
read by one machine that could not hold these (`model_export.statistics`). Items are named by position: 1 for the item
with the most interactions, of equal ones the first by id.
"""

from __future__ import annotations

import dataclasses

import orjson

from alsolike.errors import InvalidDataset

STATISTICS = "statistics/"
"""Below a dataset."""

ITEMS, TRANSITIONS, GRAM = "items", "transitions", "gram"
"""Below that, each a directory of Parquet parts."""

STATISTICS_MANIFEST = "manifest.json"
"""Written last."""

ITEM_STATISTICS = ("position", "item_id", "interactions", "sessions", "transitions")
"""How many interactions and sessions have the item; what its row of transitions adds up to before any is dropped."""

PAIR_COLUMNS = ("source", "target", "value")
"""int, int, double. A pair of the Gram matrix, which is symmetric, may be there once or twice; its diagonal is not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How the statistics are counted.

    Pairs of a user grow with the length of a history, not with its square: an interaction meets the `max_gap` after
    it, and the others of its piece of `session`.

    Attributes
    ----------
    gap_decay, max_gap, backward
        See `model_export.algorithms.transitions`.
    session
        Longest session; a longer history is several, one after the other.
    shrink
        In sessions: of a source's targets in the Gram matrix those stay whose cosine, shrunk by so many, is largest.
    most
        Targets of a source that stay, in each matrix, itself not counted.
    """

    gap_decay: float = 0.8
    max_gap: int = 20
    backward: float = 0.1
    session: int = 50
    shrink: float = 10.0
    most: int = 200

    def to_json(self) -> bytes:
        """Return the manifest."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, data: bytes) -> Counting:
        """Read the manifest.

        Raises
        ------
        InvalidDataset
            If it is no JSON object with these fields.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} is not JSON: {error}") from error
        if not isinstance(document, dict) or document.keys() != names:
            raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} has not the fields {', '.join(sorted(names))}")
        return cls(**document)
