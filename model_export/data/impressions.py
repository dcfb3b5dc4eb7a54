"""Logged responses with outcomes: features, places in the displayed list and gains of their items."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alsolike.bundle.reranker import FEATURES, HOURS, Floats, Ints, ItemColumns, contexts_of, log_price
from alsolike.catalogue.variants import leaf_category
from alsolike.configuration.columns import CREATED, property_name
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct
from alsolike.training import dataset
from model_export.data.interactions import Interactions
from model_export.data.training_data import TrainingData, read_table

DEVICE_SHARE, MAX_DEVICES = 0.05, 5
"""Minimum share of responses for a device with separate weights, and maximum number of such devices."""


@struct
class Objective:
    """Gain of an item's outcomes: a sum of weighted terms, at least 0.

    Attributes
    ----------
    weights
        Weight by term. `click` is 1 if the item was clicked, and `purchase` if it was purchased. `revenue` is the sum
        of the event values of its purchases. Other names are numeric properties of purchased items.
    """

    weights: Mapping[str, float]

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Parse comma-separated terms `name:weight`.

        Raises
        ------
        InvalidInput
            If a term is not a name with a weight above 0.

        Examples
        --------
        >>> dict(Objective.parse("click:1,MARGIN:0.5").weights)
        {'click': 1.0, 'margin': 0.5}
        """
        weights = {}
        for term in text.split(","):
            name, _, weight = term.strip().partition(":")
            try:
                number = float(weight)
            except ValueError:
                number = math.nan
            if not name or not 0 < number < math.inf:
                raise InvalidInput(f"objective has {term!r}, expected a name and a weight above 0, such as purchase:10")
            weights[property_name(name)] = number
        return cls(weights)

    def gain(self, outcomes: Mapping[str, float], properties: Mapping[str, Any]) -> float:
        """Return the gain of an item.

        `outcomes` are sums of event values by type of `dataset.OUTCOMES`, without types that did not occur.
        """
        bought = dataset.PURCHASE in outcomes
        total = 0.0
        for name, weight in self.weights.items():
            if name in dataset.OUTCOMES:
                total += weight * (name in outcomes)
            elif bought and name == REVENUE:
                total += weight * outcomes[dataset.PURCHASE]
            elif bought:
                total += weight * np.nan_to_num(_number(properties.get(name)))
        return max(float(total), 0.0)

    def __str__(self) -> str:
        return ",".join(f"{name}:{weight:g}" for name, weight in self.weights.items())


REVENUE = "revenue"
CLICKS = Objective({dataset.CLICK: 1.0})


class Response(NamedTuple):
    """Candidates of a logged response.

    Attributes
    ----------
    positions, scores
        Positions of the items, 0 if unknown, and their scores by the model of the response, `(candidates,)`.
    places
        Places in the displayed list, from 0 to `dataset.MAX_PLACES` - 1, `(candidates,)`.
    history
        Positions of the items that the user had interacted with before the response.
    device
        Type of device, or empty if unknown.
    ranks
        Popularity ranks at the time of the response, `(candidates,)`. Items without interactions have NaN. If None,
        positions are used as ranks.
    pairs
        First place of each pair of adjacent items whose order was randomised.
    """

    served_ms: int
    positions: Ints
    scores: Floats
    places: Ints
    gains: Floats
    history: Ints
    device: str = ""
    ranks: Floats | None = None
    pairs: Sequence[int] = ()


@struct
class Impressions:
    """Candidates of responses that have a gain and several candidates, in time order.

    Attributes
    ----------
    offsets
        Index of the first candidate of each response, and the end, int64 `(responses + 1,)`.
    features
        Values of features, NaN if unknown, float64 `(candidates, len(FEATURES))`.
    context_names
        `HOURS`, and up to `MAX_DEVICES` devices with at least `DEVICE_SHARE` of the responses.
    contexts
        True if a response has a context, bool `(responses, len(context_names))`.
    places, scores, gains
        Values of `Response`, `(candidates,)`.
    opens_pair
        True for the first candidate of a randomised pair, bool `(candidates,)`. The next candidate is the second one.
    """

    offsets: Ints
    features: Floats
    context_names: Sequence[str]
    contexts: npt.NDArray[np.bool_]
    places: Ints
    scores: Floats
    gains: Floats
    opens_pair: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def response(self) -> Ints:
        """Index of each candidate's response, int64 `(candidates,)`."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def part(self, begin: int, end: int) -> Impressions:
        rows = slice(self.offsets[begin], self.offsets[end])
        return Impressions(
            self.offsets[begin : end + 1] - self.offsets[begin],
            self.features[rows],
            self.context_names,
            self.contexts[begin:end],
            self.places[rows],
            self.scores[rows],
            self.gains[rows],
            self.opens_pair[rows],
        )


def impressions(responses: Iterable[Response], columns: ItemColumns) -> Impressions:
    kept = [each for each in responses if len(each.positions) > 1 and each.gains.any()]
    kept.sort(key=lambda each: each.served_ms)
    features = [
        columns.features(each.positions, each.scores, history=each.history, now_ms=each.served_ms, ranks=each.ranks)
        for each in kept
    ]
    contexts = [contexts_of(each.served_ms, device=each.device) for each in kept]
    counts = Counter(present[-1] for present in contexts if len(present) > 1)
    devices = [name for name, count in counts.most_common(MAX_DEVICES) if count >= DEVICE_SHARE * len(kept)]
    names = [*HOURS, *sorted(devices)]
    return Impressions(
        np.cumsum([0, *(len(each.positions) for each in kept)]),
        np.concatenate([np.zeros((0, len(FEATURES))), *features]),
        names,
        np.array([[name in present for name in names] for present in contexts], np.bool_),
        np.concatenate([np.zeros(0, np.int64), *(each.places for each in kept)]),
        np.concatenate([np.zeros(0), *(each.scores for each in kept)]),
        np.concatenate([np.zeros(0), *(each.gains for each in kept)]),
        np.concatenate([np.zeros(0, np.bool_), *map(_opens_pair, kept)]),
    )


def _opens_pair(response: Response) -> npt.NDArray[np.bool_]:
    """Return a mask of the first candidates of randomised pairs. A pair without a second candidate is omitted."""
    opens = np.isin(response.places, response.pairs)
    opens[:-1] &= np.diff(response.places) == 1
    opens[-1] = False
    return opens


def load_impressions(
    directory: Path, data: TrainingData, columns: ItemColumns, *, objective: Objective = CLICKS
) -> Impressions:
    """Return the impressions of a dataset's latest `dataset.MAX_RESPONSES` responses. There are none without a file."""
    path = directory / dataset.IMPRESSIONS_FILE
    if not path.exists():
        return impressions((), columns)
    table = read_table(path, dataset.IMPRESSION_COLUMNS)
    rows = table.slice(max(0, len(table) - dataset.MAX_RESPONSES)).to_pylist()
    return impressions(_responses(rows, data, objective), columns)


def _responses(rows: Iterable[Mapping[str, Any]], data: TrainingData, objective: Objective) -> Iterator[Response]:
    """Yield the responses to users of the dataset, with the user's history before the response.

    Popularity ranks count only interactions of earlier days (UTC), because later interactions include the outcomes.
    """
    user_of = {profile: user for user, profile in enumerate(data.profile_ids)}
    position_of = {item_id: position for position, item_id in enumerate(data.item_ids, start=1)}
    interactions = data.interactions
    offsets = interactions.offsets
    ranks_before = functools.lru_cache(maxsize=1)(functools.partial(_ranks_before, interactions))
    for row in rows:
        user = user_of.get(row["profile_id"])
        if user is None:
            continue
        first, last = offsets[user], offsets[user + 1]
        end = first + int(np.searchsorted(interactions.time_ms[first:last], row["served_ms"]))
        positions = [position_of.get(item_id, 0) for item_id in row["item_ids"]]
        outcomes: dict[str, dict[str, float]] = {}
        named = row["outcome_item_ids"], row["outcome_types"], row["outcome_values"]
        for item_id, outcome, value in zip(*named, strict=True):
            outcomes.setdefault(item_id, {})[outcome] = value
        gains = [
            objective.gain(outcomes.get(item_id, {}), data.properties[position - 1] if position else {})
            for item_id, position in zip(row["item_ids"], positions, strict=True)
        ]
        yield Response(
            row["served_ms"],
            np.array(positions, np.int64),
            np.array(row["scores"], np.float64),
            np.array(row["places"], np.int64),
            np.array(gains),
            interactions.item[max(first, end - interactions.history_length) : end].astype(np.int64),
            row["device"],
            ranks_before(row["served_ms"] // DAY_MS * DAY_MS)[positions],
            row["pairs"],
        )


def _ranks_before(interactions: Interactions, end_ms: int) -> Floats:
    """Return the popularity rank of each item by its interactions before a time, float64 `(items + 1,)`.

    Items without such interactions have NaN. Equally frequent items have their mean rank, because the order of
    positions depends on later interactions.
    """
    counts = np.bincount(interactions.item[interactions.time_ms < end_ms], minlength=interactions.items + 1)
    _, place, ties = np.unique(-counts, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(ties) - (ties - 1) / 2
    ranks: Floats = np.where(counts > 0, mean_ranks[place], np.nan)
    return ranks


def item_columns(properties: Sequence[Mapping[str, Any]]) -> ItemColumns:
    categories: dict[str, int] = {}
    numbers = [0]
    for values in properties:
        category = leaf_category(values)
        numbers.append(0 if category in (None, "") else categories.setdefault(str(category), len(categories) + 1))
    created = [_number(values.get(CREATED)) * 1000 / DAY_MS for values in properties]
    return ItemColumns(
        np.array([np.nan, *(log_price(values.get("price")) for values in properties)], np.float32),
        np.array([np.nan, *created], np.float32),
        np.array(numbers, np.int32),
    )


def _number(value: Any) -> float:
    """Return NaN for values that are not finite numbers."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else math.nan
