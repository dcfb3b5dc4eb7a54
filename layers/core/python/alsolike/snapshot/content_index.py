"""Content index of a model's items. It finds the nearest known items for an item that the model does not contain.

The training job writes the index to the bundle, and `publish_catalog` queries it. The similarity of two items is the
cosine of their TF-IDF vectors over the tokens of `item_tokens`. With a sentence model, the similarity is the weighted
mean of this cosine and the cosine of the items' sentence vectors. `sentences` defines the weight.
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
from alsolike.snapshot.sentences import MIN_COSINE, SentenceIndex

FORMAT = "alsolike-content-1"
SENTENCES_FORMAT = "alsolike-content-2"
"""Format of an index with sentence vectors. Earlier versions reject this format. With `FORMAT`, earlier versions would
silently ignore the vectors."""

NEIGHBOURS = 20

MAX_PAIRS = 20_000
"""Maximum number of pairs (token, known item) per query, which limits the time of a query. Pairs of rare tokens come
first, and for each token, pairs with frequent items.
"""

_BATCH_ITEMS = 64
"""Number of items per batch when texts are compared with all known items."""

_GROUP = 64

_DENSE_ITEMS = 10 * MAX_PAIRS
"""Maximum number of items for which an array with one sum per item is faster than sorting the compared items."""

_MIN_NORM = np.float32(1e-30)
"""Minimum norm, which replaces the norm 0 of an item without tokens."""


@struct
class Scales:
    """Factors for the scores of cold items (`cold_items`). The training job fits the factors.

    Attributes
    ----------
    new
        Factor for items that were not in the training data.
    rare
        Factor for items that were in the catalogue at the training, but had too few interactions.
    """

    new: float
    rare: float


UNSCALED = Scales(new=1.0, rare=1.0)


@struct
class ContentIndex:
    """Index of a model's items by their tokens.

    Attributes
    ----------
    item_hashes
        Hashes (`ragged.hashes_of`) of the IDs of all items in the model, ascending, uint64 `(items,)`.
    token_hashes
        Hashes of the tokens, ascending, uint64 `(tokens,)`.
    idf
        log(number of items / number of items with the token), float32 `(tokens,)`.
    holders
        Positions of the items with each token, ascending, so the most frequent items come first.
    norms
        Norm of each item's TF-IDF vector, float32 `(items + 1,)`.
    scales
        Scales of cold items. The weights of `nearest` do not include them.
    rare_hashes
        Hashes of the IDs of items with the scale `scales.rare`, ascending, uint64. Empty in bundles with a single
        scale.
    sentences
        Sentence vectors of the items' texts; None if there is no sentence model.
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
        return find(self.item_hashes, hashes) >= 0

    def scales_of(self, hashes: Array) -> npt.NDArray[np.float32]:
        rare = find(self.rare_hashes, hashes) >= 0
        return np.where(rare, np.float32(self.scales.rare), np.float32(self.scales.new))

    def nearest(self, properties: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return the positions and weights of the known items nearest to an item with these columns.

        Returns
        -------
        int32 and float32 `(n,)`, nearest first, and at equal cosines the most frequent first. n is at most
        `NEIGHBOURS`, and 0 if no item is similar. Weights are proportional to the cosines and sum to 1.
        """
        return next(self.nearest_of([properties]))

    def nearest_of(self, properties: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Array, Array]]:
        """Yield the result of `nearest` for each item.

        Equal token sets are computed only once if there are no sentence vectors.
        """
        places: dict[str, int] = {}
        cosines_by_token: dict[bytes, tuple[Array, Array]] = {}
        for start in range(0, len(properties), _BATCH_ITEMS):
            batch = properties[start : start + _BATCH_ITEMS]
            token_sets = self._token_sets(batch, places)
            if self.sentences is not None:
                for tokens, text_cosines in zip(token_sets, self.sentences.cosines(batch), strict=True):
                    items, cosines = self._by_tokens(tokens)
                    yield _nearest(*_mean(items, cosines, text_cosines, weight=self.sentences.weight))
                continue
            for tokens in token_sets:
                key = tokens.tobytes()
                if key not in cosines_by_token:
                    cosines_by_token[key] = _nearest(*self._by_tokens(tokens))
                yield cosines_by_token[key]

    def _token_sets(self, properties: Sequence[Mapping[str, Any]], places: dict[str, int]) -> list[Array]:
        """Return the ascending indices of each item's known tokens. `places` caches the index of each token, -1 for an
        unknown token.
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
        """Return positions of items, ascending, and their cosines, from at most `MAX_PAIRS` pairs of token and item.

        Items without shared tokens are absent or have 0.
        """
        length = np.linalg.norm(self.idf[tokens])
        starts = self.holders.offsets[tokens].astype(np.int64)
        counts = self.holders.offsets[tokens + 1] - starts
        order = np.argsort(counts, kind="stable")
        tokens, starts, counts = tokens[order], starts[order], counts[order]
        taken = np.clip(MAX_PAIRS - (np.cumsum(counts) - counts), 0, counts)
        if not taken.any():
            return np.zeros(0, np.int64), np.zeros(0)
        bounds = zip(starts.tolist(), (starts + taken).tolist(), strict=True)
        holders = np.concatenate([self.holders.data[start:end] for start, end in bounds])
        weights = np.repeat(self.idf[tokens] ** 2, taken)
        if len(self.norms) > _DENSE_ITEMS:
            items, place = np.unique(holders, return_inverse=True)
            return items, np.bincount(place, weights) / (length * self.norms[items])
        shared = np.bincount(holders, weights)
        return np.arange(len(shared)), shared / (length * np.maximum(self.norms[: len(shared)], _MIN_NORM))

    def write(self, path: Path) -> None:
        """Write the index to a file.

        Earlier versions support only one scale, and use the scale of rare items for all items.
        """
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
        """Memory-map the file of an index. Files of earlier versions have one scale for all items."""
        try:
            arrays, metadata = map_tensors(path, FORMAT, SENTENCES_FORMAT)
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
                sentences=SentenceIndex.from_file(arrays, metadata, items=items)
                if metadata["format"] == SENTENCES_FORMAT
                else None,
            )
        except InvalidBundle as error:
            raise InvalidBundle(f"{path.name}: {error}") from error
        except (InvalidSnapshot, KeyError, ValueError) as error:
            raise InvalidBundle(f"{path.name} is not a valid content index: {error}") from error


def _check(arrays: Mapping[str, Array], *, items: int) -> None:
    """Raise `ValueError` if the arrays of an index are inconsistent. Queries would then fail."""
    offsets, holders = arrays["holders.offsets"], arrays["holders"]
    tokens = len(arrays["tokens"])
    if (len(arrays["items"]), len(arrays["idf"]), len(offsets)) != (items, tokens, tokens + 1):
        raise ValueError(f"its arrays do not fit {items} items and {tokens} tokens")
    if (offsets[0], offsets[-1]) != (0, len(holders)) or (np.diff(offsets.astype(np.int64)) < 0).any():
        raise ValueError(f"the offsets of its tokens do not fit {len(holders)} positions")
    if len(holders) and not 1 <= holders.min() <= holders.max() <= items:
        raise ValueError(f"it has positions {holders.min()} to {holders.max()}, expected 1 to {items}")


def _mean(items: Array, cosines: Array, text_cosines: Array, *, weight: float) -> tuple[Array, Array]:
    """Return the positions of items that are near by tokens or texts, ascending, and the weighted means of both
    cosines.

    Parameters
    ----------
    items, cosines
        Positions, ascending, and cosines of the items that share a token.
    text_cosines
        Cosines of the texts by position. Items at positions beyond this array have no text. For an item that shares no
        token, the cosine counts only if it is among the `NEIGHBOURS` largest of all texts.
    """
    near = np.flatnonzero(text_cosines >= MIN_COSINE)
    near = near[_largest(text_cosines[near])]
    near = near[find(items, near) < 0]
    places = np.searchsorted(items, near)
    together, mean = np.insert(items, places, near), np.insert((1 - weight) * cosines, places, 0.0)
    texts = text_cosines[together[: np.searchsorted(together, len(text_cosines))]]
    mean[: len(texts)] += weight * np.where(texts >= MIN_COSINE, texts, 0)
    return together, mean


def _nearest(items: Array, cosines: Array) -> tuple[Array, Array]:
    """Return the nearest items and their weights, which sum to 1. At equal cosines, lower positions come first."""
    near = _largest(cosines)
    near = near[cosines[near] > 0]
    best = near[np.argsort(-cosines[near], kind="stable")]
    weights = cosines[best] / cosines[best].sum()
    return items[best].astype(np.int32), weights.astype(np.float32)


def _largest(values: Array) -> Array:
    """Return the indices of the `NEIGHBOURS` largest values, ascending. The first of equal values are selected.

    This is faster than a full sort. The values are divided into groups. The `NEIGHBOURS`-th largest of the groups'
    maxima is a lower bound of the result, so smaller values are not compared.
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
    minimum = np.partition(near, -NEIGHBOURS)[-NEIGHBOURS]
    larger = places[near > minimum]
    return np.sort(np.append(larger, places[near == minimum][: NEIGHBOURS - len(larger)]))
