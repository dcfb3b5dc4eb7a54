"""What the columns of a model's items say, so that the nearest of them can be found for an item that it does not know.

The training job writes the index into the bundle, `publish_catalog` asks it. Items are near by the cosine of their
TF-IDF vectors over the tokens of `item_tokens`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.errors import InvalidBundle, InvalidSnapshot
from alsolike.item_tokens import item_tokens
from alsolike.ragged import Ragged, find, hashes_of
from alsolike.tensors import Array, map_tensors, write_tensors
from alsolike.values import value_object

FORMAT = "alsolike-content-1"

NEIGHBOURS = 20
"""Items that speak for a new one."""

MOST_COMPARED = 20_000
"""Pairs of a token and an item that has it which are looked at for a new item: the rarest tokens first, and of a token
the most frequent items first. It bounds the time that one new item takes."""


@value_object
class ContentIndex:
    """An index of a model's items by their tokens.

    Attributes
    ----------
    item_hashes
        uint64, `ragged.hashes_of` the ids of all items of the model, ascending.
    token_hashes
        uint64, of the tokens, ascending.
    idf
        float32 `(tokens,)`, log(items / items that have the token).
    holders
        Positions of the items that have each token, ascending: the most frequent first.
    norms
        float32 `(items + 1,)`, the length of each item's vector before it was scaled to 1.
    scale
        What the neighbours' scores are multiplied with, see `cold_items`; the training job finds it.
    """

    item_hashes: Array
    token_hashes: Array
    idf: Array
    holders: Ragged
    norms: Array
    scale: float

    def knows(self, hashes: Array) -> npt.NDArray[np.bool_]:
        """Return of which of these hashes of ids the model has an item."""
        return find(self.item_hashes, hashes) >= 0

    def nearest(self, properties: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return the positions of the items nearest to one with these columns, and what each counts.

        Returns
        -------
        int32 and float32 `(n,)`, nearest first, of equal ones the more frequent; n is at most `NEIGHBOURS`, 0 where no
        token is shared. Weights are proportional to the cosines and add up to `scale`.
        """
        tokens = find(self.token_hashes, hashes_of([token.encode() for token in sorted(item_tokens(properties))]))
        tokens = tokens[tokens >= 0]
        starts = self.holders.offsets[tokens].astype(np.int64)
        counts = self.holders.offsets[tokens + 1] - starts
        order = np.argsort(counts, kind="stable")
        tokens, starts, counts = tokens[order], starts[order], counts[order]
        taken = np.clip(MOST_COMPARED - (np.cumsum(counts) - counts), 0, counts)
        if not taken.any():
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        holders = [self.holders.data[start : start + n] for start, n in zip(starts, taken, strict=True)]
        items, place = np.unique(np.concatenate(holders), return_inverse=True)
        # The new item's own length is the same for all of them, and goes when weights are made to add up.
        cosines = np.bincount(place, weights=np.repeat(self.idf[tokens] ** 2, taken)) / self.norms[items]
        near = np.arange(len(items))
        if len(items) > NEIGHBOURS:  # sorting all of them would take most of the time
            near = np.flatnonzero(cosines >= np.partition(cosines, -NEIGHBOURS)[-NEIGHBOURS])
        best = near[np.argsort(-cosines[near], kind="stable")[:NEIGHBOURS]]
        weights = self.scale * cosines[best] / cosines[best].sum()
        return items[best].astype(np.int32), weights.astype(np.float32)

    def write(self, path: Path) -> None:
        """Write the index."""
        arrays = {
            "items": self.item_hashes,
            "tokens": self.token_hashes,
            "idf": self.idf,
            "holders.offsets": self.holders.offsets,
            "holders": self.holders.data,
            "norms": self.norms,
        }
        with path.open("wb") as file:
            write_tensors(file, arrays, metadata={"format": FORMAT, "scale": repr(self.scale)})

    @classmethod
    def map(cls, path: Path) -> ContentIndex:
        """Map an index.

        Raises
        ------
        InvalidBundle
            If the file is none.
        """
        try:
            arrays, metadata = map_tensors(path)
            if metadata["format"] != FORMAT:
                raise InvalidBundle(f"{path.name} has format {metadata['format']!r}, expected {FORMAT!r}")
            return cls(
                item_hashes=arrays["items"],
                token_hashes=arrays["tokens"],
                idf=arrays["idf"],
                holders=Ragged(arrays["holders.offsets"], arrays["holders"]),
                norms=arrays["norms"],
                scale=float(metadata["scale"]),
            )
        except (InvalidSnapshot, KeyError, ValueError) as error:
            raise InvalidBundle(f"{path.name} is no content index: {error}") from error
