"""Answers of a model with items that it does not know: scored as serving does, by `alsolike.snapshot.cold_items`.

A user's known and cold items are scored once, and ranked again for any scales.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import find, hashes_of
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
"""Items of a long list: a model's scores fall in it, and those of cold items, by its first ones, fall less."""

NONE = Scales(new=0.0, rare=0.0)
"""Answers without cold items."""

Properties = Sequence[Mapping[str, Any]]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class ColdFigures:
    """NDCG of answers with cold items at some scales.

    Attributes
    ----------
    every_item
        NDCG of all users' targets.
    new_items
        NDCG of only the cold targets, for users who have some.
    every_item_long
        NDCG of all users' targets in lists of `LONG`.
    """

    scales: Scales
    every_item: float
    new_items: float
    every_item_long: float


def unknown(part: Part) -> Mask:
    """Return the items without interactions in the part's training data, by position, `(items + 1,)`."""
    mask: Mask = part.fit.frequencies() == 0
    mask[0] = False
    return mask


@dataclasses.dataclass(frozen=True, slots=True)
class PartItems:
    """Items of a part.

    Attributes
    ----------
    order
        See `model_export.evaluation.splits.Part`.
    unknown
        Items without interactions in what the part learns from, by position, `(items + 1,)`.
    new
        Unknown items that take part as new ones, by position.
    """

    order: Ints
    unknown: Mask
    new: Mask

    @classmethod
    def of(cls, part: Part, *, new: Mask | None = None) -> PartItems:
        """Return the items of a part; by default, all unknown ones are new."""
        mask = unknown(part)
        return cls(order=part.order, unknown=mask, new=mask if new is None else new)


class Trial:
    """A part's cold items next to the known ones, which have the positions before them.

    Parameters
    ----------
    properties
        Columns of the items in the order of the whole data.
    unlearned
        Columns of the rare items, which have the positions after the part's, and no interactions.
    sentences
        Compares texts as well.

    Attributes
    ----------
    positions
        int64, of the cold items, ascending.
    new, rare
        How many of them there are.
    comparable_new, comparable_rare
        How many of them have neighbours; others are in no answer.
    """

    def __init__(
        self,
        items: PartItems,
        properties: Properties,
        unlearned: Properties = (),
        sentences: SentenceModel | None = None,
    ) -> None:
        of_part = [*(properties[item - 1] for item in items.order.tolist()), *unlearned]
        known = int(np.count_nonzero(~items.unknown[1:]))
        index = content_index(
            [str(position) for position in range(1, known + 1)],
            item_content(of_part[:known]),
            sentences=None if sentences is None else sentence_index(sentences, of_part[:known]),
        )
        self._cold = np.append(items.new, np.ones(len(unlearned), np.bool_))
        self.positions = np.flatnonzero(self._cold)
        self.rare = len(unlearned)
        self.new = len(self.positions) - self.rare
        cold = ColdItems.of(
            [Change(str(position), 0, of_part[position - 1]) for position in self.positions.tolist()], index
        )
        rows = find(cold.hashes, hashes_of([str(position).encode() for position in self.positions.tolist()]))
        comparable = cold.neighbours.lengths[rows] > 0
        self.comparable_new = int(np.count_nonzero(comparable[: self.new]))
        self.comparable_rare = int(np.count_nonzero(comparable[self.new :]))
        self._scorer = ColdScorer(cold.take(rows), items=known)
        self._unknown = items.unknown

    def answers(self, model: Model, queries: Queries, *, k: int, seen: Seen) -> Answers:
        """Score the items of each user who has a target."""
        found = []
        for start, chunk in scored(model, queries):
            end(chunk)
            chunk[:, self._unknown] = -np.inf  # a model that serves has only what it learned from
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
        enough = max(k, LONG) + len(targets)  # later items are in no list
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
    """Candidates for a user's list: known items, new ones and rare ones, in this order.

    Attributes
    ----------
    scores
        float32, at scales of 1.
    known, new
        Numbers of known and of new items.
    targets, new_targets
        Places of the user's targets, and of the new ones among them.
    """

    scores: Floats
    known: int
    new: int
    targets: Ints
    new_targets: Ints

    def scaled(self, scales: Scales) -> Floats:
        """Return the scores at these scales, -inf where an item is in no list."""
        scores = self.scores.copy()
        scores[self.known : self.known + self.new] *= np.float32(scales.new)
        scores[self.known + self.new :] *= np.float32(scales.rare)
        scores[scores <= 0] = -np.inf
        return scores


class Answers:
    """Answers to users, to be ranked at different scales."""

    def __init__(self, answers: Sequence[_Answer], *, k: int) -> None:
        self._answers = answers
        self._k = k

    @property
    def users_of_new_items(self) -> int:
        """Number of users with a new item among their targets."""
        return sum(len(answer.new_targets) > 0 for answer in self._answers)

    def figures(self, scales: Scales) -> ColdFigures:
        """Return what the answers are worth with cold items at these scales."""
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
