"""Whether the interactions since the champion's last training event are fit to learn from.

What is exported learns them, and nothing is newer to judge it by. So the winner's settings are fitted up to half of
them, as they will be up to all, and asked for the rest. Does what the half teaches hold: are they as good as the
champion? And can the rest be foreseen at all, as what was before could: by a model of these settings, when it was asked
for as long a time after what it had learned?
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_export import metrics, protocols
from model_export.algorithm import Algorithm, Model
from model_export.answer_lists import ChampionBundle, answers_of
from model_export.bootstrap import apart
from model_export.evaluate import Gains, Seen, mean
from model_export.fits import fitted
from model_export.interactions import Interactions, Ints
from model_export.paired import Paired, drawn, gains_of, paired, wanted_of
from model_export.protocols import Part, Queries
from model_export.training_data import MINIMUM_INTERACTIONS, TrainingData


@dataclasses.dataclass(frozen=True, slots=True)
class Learned:
    """A model, and up to when it has learned."""

    model: Model
    until_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Foreseen:
    """How well two times were foreseen by models of the same settings that had learned what was before either.

    Attributes
    ----------
    before, now
        Mean NDCG above that of a list drawn by lot: of as long a time before, and of the rest of what is new.
    difference
        95% interval of the second less the first.
    """

    before_users: int
    before: float
    users: int
    now: float
    difference: tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class NewData:
    """What was found.

    Attributes
    ----------
    since_ms, half_ms
        The new interactions come after the first, half of them after the second.
    interactions
        How many are new, of those that are read.
    taught
        The winner's settings fitted up to `half_ms`, and the champion, by what came after; None where nobody could be
        asked.
    foreseen
        By the same candidate; None where nobody could be asked, or no time parts what is learned from what is asked.
    """

    since_ms: int
    half_ms: int
    interactions: int
    taught: Paired | None
    foreseen: Foreseen | None

    def document(self) -> dict[str, Any]:
        """Return it for the manifest."""
        return dataclasses.asdict(self)

    def sentence(self, *, k: int) -> str:
        """Return what the training log says."""
        said = [f"{self.interactions:,} interactions are new"]
        if self.taught is not None:
            of = self.taught
            said.append(
                f"half of them taught ndcg@{k} {of.candidate:.4f} on the rest, champion {of.champion:.4f}, "
                f"{of.users:,} users"
            )
        if self.foreseen is not None:
            said.append(f"above chance they foresaw {self.foreseen.now:.4f}, before {self.foreseen.before:.4f}")
        return "; ".join(said)


def judge_new_data(
    champion: ChampionBundle,
    data: TrainingData,
    settings: Algorithm,
    *,
    since_ms: int,
    before: Learned | None,
    k: int,
    seen: Seen,
    seed: int,
) -> NewData | None:
    """Judge what came since the champion; None where nothing did.

    Parameters
    ----------
    settings
        The winner's.
    since_ms
        See `model_export.against_champion`.
    before
        A model of these settings, fitted up to a moment after which there is as much time before `since_ms`; None where
        there is none.
    seed
        Of the users who are drawn where there are many.
    """
    interactions = data.interactions
    new = interactions.time_ms[interactions.time_ms > since_ms]
    if not len(new):
        return None
    half_ms = _half_ms(interactions, new)
    part, wanted = _asked(protocols.since(interactions, after_ms=half_ms), seen=seen, seed=seed)
    found = NewData(since_ms=since_ms, half_ms=half_ms, interactions=len(new), taught=None, foreseen=None)
    if not any(map(len, wanted)) or len(part.fit) < MINIMUM_INTERACTIONS:
        return found
    taught = Learned(fitted(settings, part.fit), half_ms)
    foreseen = None
    if before is not None:
        length_ms = data.last_event_ms - half_ms
        foreseen = _foreseen(
            *(_above_chance(each, interactions, length_ms, k=k, seen=seen, seed=seed) for each in (before, taught))
        )
    ids = [data.item_ids[item - 1] for item in part.order]
    of_champion = champion.answers(part, ids, event_weights=data.event_weights, k=k, seen=seen)
    own, other = (gains_of(lists, wanted) for lists in (answers_of(taught.model, part, k=k, seen=seen), of_champion))
    return dataclasses.replace(found, taught=paired(own, other), foreseen=foreseen)


def _half_ms(interactions: Interactions, new: Ints) -> int:
    counted = None if interactions.counts is None else interactions.counts.manifest.half_ms
    return int(np.quantile(new, 0.5, method="lower")) if counted is None else counted


def _foreseen(before: Gains, now: Gains) -> Foreseen | None:
    if not len(before) or not len(now):
        return None
    return Foreseen(
        before_users=len(before), before=mean(before), users=len(now), now=mean(now), difference=apart(now, before)
    )


def _above_chance(
    learned: Learned, interactions: Interactions, length_ms: int, *, k: int, seen: Seen, seed: int
) -> Gains:
    """Return each asked user's NDCG for `length_ms` after what the model learned, less what a drawn list would have."""
    window = protocols.window(
        interactions, learned_ms=learned.until_ms, after_ms=learned.until_ms, until_ms=learned.until_ms + length_ms
    )
    part, wanted = _asked(window, seen=seen, seed=seed)
    gains = gains_of(answers_of(learned.model, part, k=k, seen=seen), wanted)
    return gains - _chance(part.queries, wanted, items=learned.model.items, k=k, seen=seen)


def _asked(part: Part, *, seen: Seen, seed: int) -> tuple[Part, list[Ints]]:
    part = dataclasses.replace(part, queries=drawn(part.queries, seed=seed))
    return part, wanted_of(part.queries, seen)


def _chance(queries: Queries, wanted: Sequence[Ints], *, items: int, k: int, seen: Seen) -> Gains:
    """Return the NDCG to expect of k items drawn from those that may be recommended, of queries with targets."""
    asked = [query for query, targets in enumerate(wanted) if len(targets)]
    counts = np.array([len(wanted[query]) for query in asked], np.int64)
    masked = [len(np.unique(queries.seen(query))) if seen == "masked" else 0 for query in asked]
    every_rank_hit = metrics.gains(np.ones((len(asked), k), np.bool_), counts)
    chance: Gains = every_rank_hit * counts / (items - np.array(masked, np.int64))
    return chance
