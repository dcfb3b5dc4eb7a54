"""An index of the columns of a model's items, which finds the nearest of them for an item that the model does not know.

The training job writes the index into the bundle, and `publish_catalog` queries it. Similarity is the cosine of two
items' TF-IDF vectors over the tokens of `item_tokens`. If the training had a sentence model, it is the weighted mean
with the cosine of their texts' vectors; `sentences` defines the weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Ragged, find, hashes_of
from alsolike.arrays.tensors import Array, map_tensors, write_tensors
from alsolike.runtime.errors import InvalidBundle, InvalidSnapshot
from alsolike.runtime.struct import struct
from alsolike.snapshot.item_tokens import item_tokens
from alsolike.snapshot.sentences import LEAST_COSINE, SentenceIndex

FORMAT = "alsolike-content-1"
SENTENCES_FORMAT = "alsolike-content-2"
"""With sentences, which earlier versions would pass over."""

NEIGHBOURS = 20
"""Items that speak for a new one."""

MOST_COMPARED = 20_000
"""Maximum pairs of a token and an item to compare for a new item, which limits its time. The rarest tokens come first,
and for each token the most frequent items."""

_ITEMS_AT_ONCE = 64
"""Number of items whose texts are compared with all known ones in one batch."""

_GROUP = 64
"""Cosines per group in the search for the nearest."""

_DENSE_ITEMS = 10 * MOST_COMPARED
"""Number of items up to which a sum for each costs less than sorting the compared ones."""

_LEAST_NORM = np.float32(1e-30)
"""Replaces the norm 0 of an item without tokens."""


@struct
class Scales:
    """Factors on the scores of cold items, see `cold_items`; the training job fits both.

    Attributes
    ----------
    new
        For items that were not in the training's data.
    rare
        For items that were in its catalogue, and too rare to be learned.
    """

    new: float
    rare: float


UNSCALED = Scales(new=1.0, rare=1.0)


@struct
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
        Positions of the items with each token, ascending: the most frequent first.
    norms
        float32 `(items + 1,)`, the length of each item's vector before it was scaled to 1.
    scales
        Of the cold items; weights do not have them yet.
    rare_hashes
        uint64, of the ids of all items that have `scales.rare`, ascending; empty in bundles with a single scale.
    sentences
        Sentence vectors of the items' texts; None if the training had no sentence model.
    """

    item_hashes: Array
    token_hashes: Array
    idf: Array
    holders: Ragged
    norms: Array
    scales: Scales
    rare_hashes: Array
    sentences: SentenceIndex | None = None

    def knows(self, hashes: Array) -> npt.NDArray[np.bool_]:
        """Return, per hash of an id, true if the model has the item."""
        return find(self.item_hashes, hashes) >= 0

    def scales_of(self, hashes: Array) -> npt.NDArray[np.float32]:
        """Return the scale of each of these hashes of ids, which the model does not know."""
        rare = find(self.rare_hashes, hashes) >= 0
        return np.where(rare, np.float32(self.scales.rare), np.float32(self.scales.new))

    def nearest(self, properties: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return the positions of the items nearest to one with these columns, and their weights.

        Returns
        -------
        int32 and float32 `(n,)`, nearest first, of equal ones the more frequent; n is at most `NEIGHBOURS`, 0 where no
        token is shared. Weights are proportional to the cosines and add up to 1.
        """
        return next(self.nearest_of([properties]))

    def nearest_of(self, properties: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Array, Array]]:
        """Yield the result of `nearest` for each of several items; without texts, equal tokens are compared once."""
        places: dict[str, int] = {}
        of_tokens: dict[bytes, tuple[Array, Array]] = {}
        for start in range(0, len(properties), _ITEMS_AT_ONCE):
            some = properties[start : start + _ITEMS_AT_ONCE]
            token_sets = self._token_sets(some, places)
            if self.sentences is not None:
                for tokens, of_text in zip(token_sets, self.sentences.cosines(some), strict=True):
                    items, cosines = self._by_tokens(tokens)
                    yield _nearest(*_mean(items, cosines, of_text, weight=self.sentences.weight))
                continue
            for tokens in token_sets:
                key = tokens.tobytes()
                if key not in of_tokens:
                    of_tokens[key] = _nearest(*self._by_tokens(tokens))
                yield of_tokens[key]

    def _token_sets(self, properties: Sequence[Mapping[str, Any]], places: dict[str, int]) -> list[Array]:
        """Return the places of each item's known tokens, ascending.

        Parameters
        ----------
        places
            Of the tokens so far, -1 for unknown ones; new tokens are added.
        """
        token_sets = [item_tokens(columns) for columns in properties]
        unseen = list({token for tokens in token_sets for token in tokens} - places.keys())
        rows = find(self.token_hashes, hashes_of([token.encode() for token in unseen]))
        places.update(zip(unseen, rows.tolist(), strict=True))
        return [
            np.array(sorted(place for token in tokens if (place := places[token]) >= 0), np.int64)
            for tokens in token_sets
        ]

    def _by_tokens(self, tokens: Array) -> tuple[Array, Array]:
        """Return positions, ascending, with all items that have one of the tokens, and the cosines."""
        length = np.linalg.norm(self.idf[tokens])
        starts = self.holders.offsets[tokens].astype(np.int64)
        counts = self.holders.offsets[tokens + 1] - starts
        order = np.argsort(counts, kind="stable")
        tokens, starts, counts = tokens[order], starts[order], counts[order]
        taken = np.clip(MOST_COMPARED - (np.cumsum(counts) - counts), 0, counts)
        if not taken.any():
            return np.zeros(0, np.int64), np.zeros(0)
        bounds = zip(starts.tolist(), (starts + taken).tolist(), strict=True)
        holders = np.concatenate([self.holders.data[start:end] for start, end in bounds])
        weights = np.repeat(self.idf[tokens] ** 2, taken)
        if len(self.norms) > _DENSE_ITEMS:
            items, place = np.unique(holders, return_inverse=True)
            return items, np.bincount(place, weights) / (length * self.norms[items])
        shared = np.bincount(holders, weights)
        return np.arange(len(shared)), shared / (length * np.maximum(self.norms[: len(shared)], _LEAST_NORM))

    def write(self, path: Path) -> None:
        """Write the index; earlier versions, which know one scale, use that of rare items for all."""
        arrays = {
            "items": self.item_hashes,
            "tokens": self.token_hashes,
            "idf": self.idf,
            "holders.offsets": self.holders.offsets,
            "holders": self.holders.data,
            "norms": self.norms,
            "rare": self.rare_hashes,
        }
        metadata = {"format": FORMAT, "scale": repr(self.scales.rare), "new_scale": repr(self.scales.new)}
        if self.sentences is not None:
            arrays |= self.sentences.arrays()
            metadata |= {"format": SENTENCES_FORMAT, **self.sentences.metadata()}
        with path.open("wb") as file:
            write_tensors(file, arrays, metadata=metadata)

    @classmethod
    def map(cls, path: Path) -> ContentIndex:
        """Map an index; in one of earlier versions all items have the same scale.

        Raises
        ------
        InvalidBundle
            If the file is invalid, or has sentences and their library is missing.
        """
        try:
            arrays, metadata = map_tensors(path)
            if (stored_format := metadata["format"]) not in (FORMAT, SENTENCES_FORMAT):
                raise InvalidBundle(f"its format is {stored_format!r}, expected {FORMAT!r} or {SENTENCES_FORMAT!r}")
            items = len(arrays["norms"]) - 1
            _check(arrays, items=items)
            has_two = "new_scale" in metadata
            return cls(
                item_hashes=arrays["items"],
                token_hashes=arrays["tokens"],
                idf=arrays["idf"],
                holders=Ragged(arrays["holders.offsets"], arrays["holders"]),
                norms=arrays["norms"],
                scales=Scales(
                    new=float(metadata["new_scale" if has_two else "scale"]),
                    rare=float(metadata["scale"]),
                ),
                rare_hashes=arrays["rare"] if has_two else np.zeros(0, np.uint64),
                sentences=SentenceIndex.of_file(arrays, metadata, items=items)
                if stored_format == SENTENCES_FORMAT
                else None,
            )
        except InvalidBundle as error:
            raise InvalidBundle(f"{path.name}: {error}") from error
        except (InvalidSnapshot, KeyError, ValueError) as error:
            raise InvalidBundle(f"{path.name} is not a valid content index: {error}") from error


def _check(arrays: Mapping[str, Array], *, items: int) -> None:
    """Raise `ValueError` if arrays of an index do not go together: reading them would fail, or take all memory."""
    offsets, holders = arrays["holders.offsets"], arrays["holders"]
    tokens = len(arrays["tokens"])
    if (len(arrays["items"]), len(arrays["idf"]), len(offsets)) != (items, tokens, tokens + 1):
        raise ValueError(f"its arrays are not those of {items} items and {tokens} tokens")
    if (offsets[0], offsets[-1]) != (0, len(holders)) or (np.diff(offsets.astype(np.int64)) < 0).any():
        raise ValueError(f"the rows of its tokens are no rows of {len(holders)} places")
    if len(holders) and not 1 <= holders.min() <= holders.max() <= items:
        raise ValueError(f"it has positions {holders.min()} to {holders.max()}, expected 1 to {items}")


def _mean(items: Array, cosines: Array, of_text: Array, *, weight: float) -> tuple[Array, Array]:
    """Return the items near by tokens or by text, positions ascending, and the weighted mean of both cosines.

    Parameters
    ----------
    items, cosines
        Near by tokens.
    of_text
        The cosine of the texts by position; later positions have none. The `NEIGHBOURS` largest suffice to find the
        nearest items that share no token.
    """
    near = np.flatnonzero(of_text >= LEAST_COSINE)
    near = near[_largest(of_text[near])]
    near = near[find(items, near) < 0]
    places = np.searchsorted(items, near)
    together, mean = np.insert(items, places, near), np.insert((1 - weight) * cosines, places, 0.0)
    texts = of_text[together[: np.searchsorted(together, len(of_text))]]
    mean[: len(texts)] += weight * np.where(texts >= LEAST_COSINE, texts, 0)
    return together, mean


def _nearest(items: Array, cosines: Array) -> tuple[Array, Array]:
    """Return the nearest items, of equal cosines the lower position first, and weights that add up to 1."""
    near = _largest(cosines)
    near = near[cosines[near] > 0]
    best = near[np.argsort(-cosines[near], kind="stable")]
    weights = cosines[best] / cosines[best].sum()
    return items[best].astype(np.int32), weights.astype(np.float32)


def _largest(values: Array) -> Array:
    """Return the indices of the `NEIGHBOURS` largest, ascending, the first of equal ones; faster than a full sort.

    The smallest of the `NEIGHBOURS` largest maxima of groups is a lower bound of the result, so only values from there
    on are compared.
    """
    if len(values) <= NEIGHBOURS:
        return np.arange(len(values))
    groups = len(values) // _GROUP
    if groups <= NEIGHBOURS:
        places = np.arange(len(values))
    else:
        maxima = values[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        places = np.flatnonzero(values >= np.partition(maxima, -NEIGHBOURS)[-NEIGHBOURS])
    near = values[places]
    least = np.partition(near, -NEIGHBOURS)[-NEIGHBOURS]
    larger = places[near > least]
    return np.sort(np.append(larger, places[near == least][: NEIGHBOURS - len(larger)]))
