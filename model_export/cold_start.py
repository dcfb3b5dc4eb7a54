"""How good answers are with items that the model does not know: scored as serving does, by `alsolike.cold_items`.

The scale of their scores is chosen on the validation part: as large as it may be without costing the answers as a whole
more than `MOST_LOST`, and long lists more than `MOST_LOST_LONG`. New items have to be shown before anybody can like
them. What is too rare to be learned is cold as well, and takes part as it does in serving: in many shops it is most.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.catalogue_change import Change
from alsolike.cold_items import LISTED, ColdItems, ColdScorer
from alsolike.ragged import find, hashes_of
from alsolike.sentences import SentenceModel
from model_export.algorithm import Algorithm, Model
from model_export.evaluate import Hits, Seen, mean, open_targets, scored
from model_export.fits import Fits
from model_export.item_content import DEFAULT_SCALE, content_index, item_content
from model_export.item_sentences import sentence_index
from model_export.metrics import best_items
from model_export.protocols import Part, Queries, Split

SCALES = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)

MOST_LOST = 0.002
"""Share of the NDCG that new items may cost: less than a part of a blend has to be worth."""

MOST_LOST_LONG = 0.01
"""Share of the NDCG of lists of `LONG` that they may cost."""

LONG = 100
"""Items of a long list: a model's scores fall in it, and those of cold items, by its first ones, fall less."""

MOST_QUERIES = 5_000
"""As many users choose a scale, and as many tell what it brings."""

Properties = Sequence[Mapping[str, Any]]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """NDCG of answers with cold items at one scale; 0 is without.

    Attributes
    ----------
    every_item
        Of all users' targets.
    new_items
        Of users with cold targets, of those targets alone.
    every_item_long
        Of all users' targets in lists of `LONG`.
    """

    scale: float
    every_item: float
    new_items: float
    every_item_long: float


@dataclasses.dataclass(frozen=True, slots=True)
class ColdStart:
    """The test part without cold items, and with them at the chosen scale, by `MOST_QUERIES` users.

    Attributes
    ----------
    items
        Items of the data that are first seen in the test.
    others
        Cold items that are not in the data.
    users
        Who had a cold item.
    by_words_alone
        With them, where a sentence model took part, and that one left out; at the scale that is chosen then.
    """

    items: int
    others: int
    users: int
    without: Figures
    with_: Figures
    by_words_alone: Figures | None = None


def judge(
    settings: Algorithm,
    split: Split,
    properties: Properties,
    *,
    fits: Fits,
    k: int,
    seen: Seen,
    unlearned: Properties = (),
    sentences: SentenceModel | None = None,
) -> ColdStart:
    """Choose the scale of an algorithm's cold items on the validation part and measure it on the test part.

    Parameters
    ----------
    properties
        Columns of the items in the order of the whole data.
    unlearned
        Columns of the catalogue's other items: too rare to be in the data, and so cold when the model serves.
    """
    model = fits.fit(settings, split.validation.fit)
    scale = choose_scale(model, split, properties, k=k, seen=seen, unlearned=unlearned, sentences=sentences)
    model = fits.fit(settings, split.test.fit)
    found = measure(model, split, properties, scale=scale, k=k, seen=seen, unlearned=unlearned, sentences=sentences)
    if sentences is None:
        return found
    by_words = judge(settings, split, properties, fits=fits, k=k, seen=seen, unlearned=unlearned)
    return dataclasses.replace(found, by_words_alone=by_words.with_)


def measure(
    model: Model,
    split: Split,
    properties: Properties,
    *,
    scale: float,
    k: int,
    seen: Seen,
    unlearned: Properties = (),
    sentences: SentenceModel | None = None,
) -> ColdStart:
    """Measure a model that was fitted on the test part's interactions.

    Parameters
    ----------
    properties, unlearned
        See `judge`.
    sentences
        Compares texts as well.
    """
    trial = Trial(split.test, properties, unknown(split.test), unlearned, sentences)
    queries = split.test.queries.sample(MOST_QUERIES)
    (without, with_), users = trial.figures(model, queries, scales=(0.0, scale), k=k, seen=seen)
    items = len(trial.positions) - len(unlearned)
    return ColdStart(items=items, others=len(unlearned), users=users, without=without, with_=with_)


def choose_scale(
    model: Model,
    split: Split,
    properties: Properties,
    *,
    k: int,
    seen: Seen,
    unlearned: Properties = (),
    sentences: SentenceModel | None = None,
) -> float:
    """Return the largest of `SCALES` that costs at most `MOST_LOST` and `MOST_LOST_LONG`, or else the smallest.

    `DEFAULT_SCALE` where nothing speaks for a scale: no item that is cold to the validation part is like a known one,
    or nothing is found there.

    Parameters
    ----------
    model
        Fitted on the validation part's interactions.
    properties, unlearned
        See `judge`.
    """
    trial = Trial(split.validation, properties, _unknown_to_validation(split), unlearned, sentences)
    if not trial.comparable:
        return DEFAULT_SCALE
    queries = split.validation.queries.sample(MOST_QUERIES)
    (without, *found), _ = trial.figures(model, queries, scales=(0.0, *SCALES), k=k, seen=seen)
    if not any(each.every_item for each in (without, *found)):
        return DEFAULT_SCALE
    least, least_long = (1.0 - MOST_LOST) * without.every_item, (1.0 - MOST_LOST_LONG) * without.every_item_long
    kept = [each for each in found if each.every_item >= least and each.every_item_long >= least_long]
    return max((each.scale for each in kept), default=SCALES[0])


def unknown(part: Part) -> Mask:
    """Return which items nobody had in what the part learns from, by position, `(items + 1,)`."""
    mask: Mask = part.fit.frequencies() == 0
    mask[0] = False
    return mask


def _unknown_to_validation(split: Split) -> Mask:
    """Leave out what first came in the test part: a shop does not have it yet."""
    mask = unknown(split.validation)
    if split.test.fit is not split.validation.fit:
        later = np.zeros_like(mask)  # by the numbers of the whole data
        later[split.test.order] = unknown(split.test)[1:]
        mask[1:] &= ~later[split.validation.order]
    return mask


class Trial:
    """A part's cold items beside the known ones, which have the positions before them.

    Parameters
    ----------
    unlearned
        Have the positions after the part's items, and are nobody's.

    Attributes
    ----------
    positions
        int64, of the cold items, ascending.
    comparable
        How many of them have neighbours; others are in no answer.
    """

    def __init__(
        self,
        part: Part,
        properties: Properties,
        cold: Mask,
        unlearned: Properties = (),
        sentences: SentenceModel | None = None,
    ) -> None:
        of_part = [*(properties[item - 1] for item in part.order.tolist()), *unlearned]
        known = int(np.count_nonzero(~unknown(part)[1:]))
        ids = [str(position) for position in range(1, known + 1)]
        index = content_index(
            ids,
            item_content(of_part[:known]),
            scale=1.0,
            sentences=None if sentences is None else sentence_index(sentences, of_part[:known]),
        )
        self._cold = np.append(cold, np.ones(len(unlearned), np.bool_))
        self.positions = np.flatnonzero(self._cold)
        items = ColdItems.of(
            [Change(str(position), 0, of_part[position - 1]) for position in self.positions.tolist()], index
        )
        rows = find(items.hashes, hashes_of([str(position).encode() for position in self.positions.tolist()]))
        self.comparable = int(np.count_nonzero(items.neighbours.lengths))
        self._scorer = ColdScorer(items.take(rows), items=known)
        self._unknown = unknown(part)

    def figures(
        self, model: Model, queries: Queries, *, scales: Sequence[float], k: int, seen: Seen
    ) -> tuple[list[Figures], int]:
        """Return the figures of each scale, and how many users had a cold item."""
        every = {scale: Hits(max(k, LONG)) for scale in scales}
        new = {scale: Hits(k) for scale in scales}
        for start, chunk in scored(model, queries):
            chunk[:, self._unknown] = -np.inf  # a model that serves has only what it learned from
            for query, scores in enumerate(chunk, start):
                targets = open_targets(scores, queries, query, seen)
                cold_targets = targets[self._cold[targets]]
                listed = best_items(scores, LISTED)
                cold_scores = self._scorer.scores(listed, scores[listed])
                if seen == "masked":
                    past = queries.seen(query)
                    cold_scores[np.searchsorted(self.positions, past[self._cold[past]])] = 0.0
                enough = max(k, LONG) + len(targets)  # what comes after is in no list
                known = np.setdiff1d(np.union1d(best_items(scores, enough), targets), cold_targets)
                cold = np.union1d(best_items(cold_scores, enough), np.searchsorted(self.positions, cold_targets))
                columns = np.concatenate([known, self.positions[cold]])
                wanted, new_wanted = (np.flatnonzero(np.isin(columns, some)) for some in (targets, cold_targets))
                for scale in scales:
                    scaled = cold_scores[cold] * np.float32(scale)
                    both = np.concatenate([scores[known], np.where(scaled > 0, scaled, np.float32(-np.inf))])
                    every[scale].add(both, wanted)
                    new[scale].add(both, new_wanted)
        found = [
            Figures(scale, mean(every[scale].gains(k)), mean(new[scale].gains()), mean(every[scale].gains(LONG)))
            for scale in scales
        ]
        return found, len(new[scales[0]].gains())
