"""Reranker: a linear model that reorders the candidates of a request by features known at request time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidBundle, InvalidSnapshot
from alsolike.runtime.struct import struct

FORMAT = "alsolike-reranker-1"


FEATURES = ("score", "popularity", "age", "price", "price difference", "category share")
"""Features of a candidate.

================= ====================================================================================================
score             logarithm of the model's score, standardised by the `BEST` best candidates
popularity        negative logarithm of the item's rank by number of interactions
age               logarithm of 1 + days since `creationTimestamp`
price             logarithm of `price`
price difference  absolute difference between the logarithm of `price` and the mean logarithm of the user's history
category share    share of the item's leaf category among the known leaf categories of the user's history
================= ====================================================================================================
"""

IN_CONTEXT = (FEATURES.index("popularity"), FEATURES.index("price"))
"""Features whose weights depend on the context."""

BEST = 10
"""Number of best candidates whose log scores determine the mean and the standard deviation of the feature `score`."""

MIN_SCORE = 1e-9
"""Minimum score. Lower scores are raised to this score, so that their logarithms are finite."""

MIN_DEVIATION = 1e-6
"""Minimum standard deviation. A smaller one is replaced by 1, because the values differ only by rounding."""

HOURS = tuple(f"hour {first} to {first + 5}" for first in range(0, 24, 6))
"""Contexts by the hour of the request (UTC)."""

DEVICE = "device"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@struct
class ItemColumns:
    """Item columns, indexed by position. Position 0 is for unknown items.

    Attributes
    ----------
    log_price, created_day
        Natural logarithm of the price, and creation in days since 1970, NaN if unknown, float32 `(items + 1,)`.
    category
        Code of the leaf category, 0 if unknown, int32 `(items + 1,)`.
    """

    log_price: npt.NDArray[np.float32]
    created_day: npt.NDArray[np.float32]
    category: npt.NDArray[np.int32]

    def features(
        self,
        positions: Ints,
        scores: npt.NDArray[np.floating],
        *,
        history: Ints,
        now_ms: int,
        ranks: Floats | None = None,
    ) -> Floats:
        """Return the `FEATURES` of candidates, NaN if unknown, float64 `(candidates, len(FEATURES))`.

        Parameters
        ----------
        positions, scores
            Candidates of one request and their scores, `(candidates,)`.
        ranks
            Popularity ranks of the candidates, NaN if unknown, `(candidates,)`. None to use the positions, which are
            popularity ranks in an exported model.
        """
        rows = np.where(positions < len(self.category), positions, 0)
        price, category = self.log_price[rows].astype(np.float64), self.category[rows]
        past_categories = self.category[history]
        past_categories = past_categories[past_categories > 0]
        prices = self.log_price[history]
        prices = prices[~np.isnan(prices)]
        values = np.full((len(positions), len(FEATURES)), np.nan)
        logs = np.log(np.maximum(scores, MIN_SCORE))
        best = np.sort(logs)[-BEST:]
        values[:, 0] = (logs - best.mean()) / floored_deviations(best.std())
        values[:, 1] = -np.log(np.where(rows > 0, rows, np.nan) if ranks is None else ranks)
        values[:, 2] = np.log1p(np.maximum(now_ms / DAY_MS - self.created_day[rows], 0.0))
        values[:, 3] = price
        if len(prices):
            values[:, 4] = np.abs(price - float(prices.mean()))
        if len(past_categories):
            shares = (category[:, None] == past_categories[None, :]).mean(axis=1)
            values[:, 5] = np.where(category > 0, shares, np.nan)
        return values


@struct
class Reranker:
    """Weights of a linear utility over standardised features, and the item columns that the features need.

    Attributes
    ----------
    contexts
        Contexts with separate weights: `HOURS`, and frequent devices.
    means, deviations
        Means and standard deviations that standardise the features, float64 `(len(FEATURES),)`. Unknown values are
        replaced by the mean.
    weights
        Weights for all requests, and additional weights per context, float64 `(1 + len(contexts), len(FEATURES))`.
    """

    contexts: Sequence[str]
    means: Floats
    deviations: Floats
    weights: Floats
    columns: ItemColumns

    def standardised(self, features: Floats) -> Floats:
        values: Floats = np.nan_to_num((features - self.means) / self.deviations)
        return values

    def utilities(
        self,
        positions: Ints,
        scores: npt.NDArray[np.floating],
        *,
        history: Ints,
        now_ms: int,
        device: str | None = None,
    ) -> Floats:
        weights = self.weights[0]
        present = contexts_of(now_ms, device=device)
        for row, name in enumerate(self.contexts, start=1):
            if name in present:
                weights = weights + self.weights[row]
        features = self.columns.features(positions, scores, history=history, now_ms=now_ms)
        utilities: Floats = self.standardised(features) @ weights
        return utilities

    @classmethod
    def read(cls, path: Path, *, items: int) -> Self | None:
        """Read a reranker, or return None for a file without weights."""
        try:
            arrays, metadata = map_tensors(path, FORMAT)
            if not len(arrays["weights"]):
                return None
            if orjson.loads(metadata["features"]) != list(FEATURES):
                raise ValueError(f"features are {metadata['features']}, expected {', '.join(FEATURES)}")
            contexts = [str(name) for name in orjson.loads(metadata["contexts"])]
            numbers = {name: np.array(arrays[name], np.float64) for name in ("means", "deviations", "weights")}
            columns = {name: arrays[name] for name in ("log_price", "created_day", "category")}
            lengths = [len(FEATURES), len(FEATURES), (1 + len(contexts)) * len(FEATURES), *[items + 1] * len(columns)]
            if [len(values) for values in (*numbers.values(), *columns.values())] != lengths:
                raise ValueError(f"its arrays do not fit {len(contexts)} contexts and {items} items")
            is_finite = all(np.isfinite(values).all() for values in numbers.values())
            if not is_finite or not (numbers["deviations"] > 0).all():
                raise ValueError("a weight, mean or deviation is out of range")
        except (InvalidSnapshot, KeyError, TypeError, ValueError) as error:
            raise InvalidBundle(f"{path.name} holds no reranker: {error!r}") from error
        weights = numbers["weights"].reshape(-1, len(FEATURES))
        return cls(contexts, numbers["means"], numbers["deviations"], weights, ItemColumns(**columns))


def floored_deviations(deviations: npt.ArrayLike) -> Floats:
    return np.where(np.asarray(deviations) < MIN_DEVIATION, 1.0, deviations)


def contexts_of(now_ms: int, *, device: str | None) -> tuple[str, ...]:
    """Return the contexts of a request.

    Examples
    --------
    >>> contexts_of(7 * 3_600_000, device="phone")
    ('hour 6 to 11', 'device phone')
    """
    hours = HOURS[now_ms % DAY_MS // (DAY_MS // len(HOURS))]
    return (hours,) if not device else (hours, f"device {device}")


def write_reranker(reranker: Reranker | None, path: Path) -> None:
    metadata = {"format": FORMAT, "features": orjson.dumps(FEATURES).decode()}
    tensors: dict[str, npt.NDArray[Any]] = {"weights": np.zeros(0)}
    if reranker is not None:
        columns = reranker.columns
        metadata["contexts"] = orjson.dumps(list(reranker.contexts)).decode()
        tensors = {
            "means": reranker.means,
            "deviations": reranker.deviations,
            "weights": reranker.weights.ravel(),
            "log_price": columns.log_price,
            "created_day": columns.created_day,
            "category": columns.category,
        }
    with path.open("wb") as file:
        write_tensors(file, tensors, metadata=metadata)


def log_price(value: Any) -> float:
    is_price = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
    return math.log(value) if is_price else math.nan
