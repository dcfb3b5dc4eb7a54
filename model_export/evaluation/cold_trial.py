"""Ranking of known and cold items, scored by `alsolike.snapshot.cold_items` as in serving.

The known and cold items of a user are scored once and can then be ranked at different scales.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Ragged, find, hashes_of
from alsolike.catalogue.changes import Change
from alsolike.snapshot.cold_items import LISTED, ColdItems, ColdScorer
from alsolike.snapshot.content_index import Scales
from alsolike.snapshot.sentences import SentenceModel
from model_export.api import Model
from model_export.data.interactions import Floats, Ints
from model_export.data.item_content import content_index, item_content
from model_export.data.item_sentences import sentence_index
from model_export.data.top_n import best_items
from model_export.evaluation.ranking import Hits, Seen, end, hidden, mean, open_targets, scored
from model_export.evaluation.splits import Part, Queries

LONG = 100
"""Length of a long list. Within a list, scores of cold items decrease less than scores of known items, so that cold
items rank relatively higher in long lists.
"""

NONE = Scales(new=0.0, rare=0.0)
"""Scales that exclude cold items."""

Properties = Sequence[Mapping[str, Any]]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class ColdFigures:
    """NDCG of lists with cold items at the scales `scales`.

    Attributes
    ----------
    every_item
        NDCG of all users' targets.
    new_items
        NDCG of new targets only, for users with new targets.
    every_item_long
        NDCG of all users' targets in lists of `LONG` items.
    """

    scales: Scales
    every_item: float
    new_items: float
    every_item_long: float


def unknown(part: Part) -> Mask:
    """Return a mask of the items that have no interactions in the part's training data, bool `(items + 1,)`."""
    mask: Mask = part.fit.frequencies() == 0
    mask[0] = False
    return mask


@dataclasses.dataclass(frozen=True, slots=True)
class PartItems:
    """Items of a part.

    Attributes
    ----------
    order
        Order of items, see `model_export.evaluation.splits.Part`.
    unknown
        Mask of items that have no interactions in the part's training data, bool `(items + 1,)`.
    new
        Mask of unknown items that are evaluated as new items, bool `(items + 1,)`.
    """

    order: Ints
    unknown: Mask
    new: Mask

    @classmethod
    def of(cls, part: Part, *, new: Mask | None = None) -> PartItems:
        """Treat all unknown items as new by default."""
        mask = unknown(part)
        return cls(order=part.order, unknown=mask, new=mask if new is None else new)


class Trial:
    """Known and cold items of a part. Cold items have higher positions than known items.

    Parameters
    ----------
    properties
        Properties of the items, in the order of the full dataset.
    unlearned
        Properties of the rare items, which the dataset omits. Their positions follow the positions of the part's
        items.
    earlier
        Trial of the validation part, for the neighbours of rare items. None to find them.

    Attributes
    ----------
    positions
        Positions of the cold items, ascending, int64.
    new, rare
        Number of new and of rare items.
    comparable_new, comparable_rare
        Number of new and of rare items with neighbours. Cold items without neighbours are in no list.
    """

    def __init__(
        self,
        items: PartItems,
        properties: Properties,
        unlearned: Properties = (),
        sentences: SentenceModel | None = None,
        *,
        earlier: Trial | None = None,
    ) -> None:
        part_properties = [*(properties[item - 1] for item in items.order.tolist()), *unlearned]
        known = int(np.count_nonzero(~items.unknown[1:]))
        index = content_index(
            [str(position) for position in range(1, known + 1)],
            item_content(part_properties[:known]),
            sentences=None if sentences is None else sentence_index(sentences, part_properties[:known]),
        )
        self._cold = np.append(items.new, np.ones(len(unlearned), np.bool_))
        self.positions = np.flatnonzero(self._cold)
        self.rare = len(unlearned)
        self.new = len(self.positions) - self.rare
        sought = self.positions if earlier is None else self.positions[: self.new]
        cold = ColdItems.of(
            [Change(str(position), 0, part_properties[position - 1]) for position in sought.tolist()], index
        )
        if earlier is not None:
            cold = ColdItems.merge([cold, earlier._rare_items(items.order)])
        rows = find(cold.hashes, hashes_of([str(position).encode() for position in self.positions.tolist()]))
        self._items = cold.take(rows)
        comparable = self._items.neighbours.lengths > 0
        self.comparable_new = int(np.count_nonzero(comparable[: self.new]))
        self.comparable_rare = int(np.count_nonzero(comparable[self.new :]))
        self._scorer = ColdScorer(self._items, items=known)
        self._order, self._unknown = items.order, items.unknown

    def _rare_items(self, order: Ints) -> ColdItems:
        """Return the rare items with the positions of their neighbours in another order of items."""
        rare = self._items.take(np.arange(self.new, len(self._items)))
        place = np.zeros(len(order) + 1, np.int32)
        place[order] = np.arange(1, len(order) + 1)
        neighbours = Ragged(rare.neighbours.offsets, place[self._order[rare.neighbours.data - 1]])
        return ColdItems(rare.hashes, rare.updated_at_ms, rare.tie_breaks, neighbours, rare.weights)

    def answers(self, model: Model, queries: Queries, *, k: int, seen: Seen) -> Answers:
        """Return the scored candidates of each user with a target that may be recommended."""
        found = []
        for start, chunk in scored(model, queries):
            end(chunk)
            chunk[:, self._unknown] = -np.inf  # a served model contains only trained items
            for query, scores in enumerate(chunk, start):
                targets = open_targets(scores, queries, query, seen)
                if len(targets):
                    past = hidden(queries, query, seen)
                    found.append(self._answer(scores, targets, past=past, k=k))
        return Answers(found, k=k)

    def _answer(self, scores: Floats, targets: Ints, *, past: npt.NDArray[np.int32], k: int) -> _Answer:
        cold_targets = targets[self._cold[targets]]
        listed = best_items(scores, LISTED)
        cold_scores = self._scorer.scores(listed, scores[listed])
        cold_scores[np.searchsorted(self.positions, past[self._cold[past]])] = 0.0
        enough = max(k, LONG) + len(targets)  # items with lower scores are in no list
        known = np.setdiff1d(np.union1d(best_items(scores, enough), targets), cold_targets)
        new = np.union1d(best_items(cold_scores[: self.new], enough), np.searchsorted(self.positions, cold_targets))
        rare = best_items(cold_scores[self.new :], enough) + self.new
        columns = np.concatenate([known, self.positions[new], self.positions[rare]])
        return _Answer(
            scores=np.concatenate([scores[known], cold_scores[new], cold_scores[rare]]),
            known=len(known),
            new=len(new),
            targets=np.flatnonzero(np.isin(columns, targets)),
            new_targets=np.flatnonzero(np.isin(columns, cold_targets)),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Answer:
    """Candidates for a user's list, in the order known, new and rare.

    Attributes
    ----------
    scores
        Scores at scales of 1, float32.
    known, new
        Number of known and of new items.
    targets, new_targets
        Indices of the user's targets, and indices of those targets that are new items.
    """

    scores: Floats
    known: int
    new: int
    targets: Ints
    new_targets: Ints

    def scaled(self, scales: Scales) -> Floats:
        """Return the scores at these scales. Items without a positive score get -inf, so that no list contains them."""
        scores = self.scores.copy()
        scores[self.known : self.known + self.new] *= np.float32(scales.new)
        scores[self.known + self.new :] *= np.float32(scales.rare)
        scores[scores <= 0] = -np.inf
        return scores


class Answers:
    """Candidates of all users, which can be evaluated with different scales of the scores of cold items."""

    def __init__(self, answers: Sequence[_Answer], *, k: int) -> None:
        self._answers = answers
        self._k = k

    @property
    def users_of_new_items(self) -> int:
        return sum(len(answer.new_targets) > 0 for answer in self._answers)

    def figures(self, scales: Scales) -> ColdFigures:
        every, new = Hits(max(self._k, LONG)), Hits(self._k)
        for answer in self._answers:
            scores = answer.scaled(scales)
            every.add(scores, answer.targets)
            new.add(scores, answer.new_targets)
        return ColdFigures(
            scales=scales,
            every_item=mean(every.gains(self._k)),
            new_items=mean(new.gains()),
            every_item_long=mean(every.gains(LONG)),
        )
