"""Check of the interactions since the champion's last training event, before a model is trained on them.

There is no newer data to evaluate the exported model. Therefore, the winner's settings are fitted on all data up to the
middle of the new interactions and evaluated on their second half. The check answers two questions: whether this model
is as good as the champion, and whether the second half is as predictable as an earlier period, usually of equal length.
The earlier period ends no later than the champion's last training event. If the period can start where the training
data of the test or the validation ends, the model fitted on that data predicts it. Otherwise, an additional model is
fitted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_export.api import Algorithm, Model
from model_export.data.interactions import Interactions, Ints
from model_export.data.training_data import MIN_INTERACTIONS, TrainingData
from model_export.evaluation import metrics, splits
from model_export.evaluation.bootstrap import apart
from model_export.evaluation.fit_cache import EarlierFit, fitted
from model_export.evaluation.paired_comparison import Paired, drawn, gains_of, paired, wanted_of
from model_export.evaluation.ranking import Gains, Seen, hidden, mean
from model_export.evaluation.splits import Part, Queries
from model_export.job.response_lists import ChampionBundle, answers_of


@dataclasses.dataclass(frozen=True, slots=True)
class Foreseen:
    """Predictability of two periods. Each is predicted by a model with the same settings, fitted on earlier data.

    Attributes
    ----------
    before_after_ms, before_until_ms
        Start and end of the earlier period. The end is not after the champion's last training event. The model is
        fitted up to the start.
    before, now
        Mean NDCG minus the expected NDCG of a random list, in the earlier period and in the second half of the new
        interactions.
    difference
        95% confidence interval of `now` minus `before`.
    """

    before_after_ms: int
    before_until_ms: int
    before_users: int
    before: float
    users: int
    now: float
    difference: tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class NewData:
    """Result of the check.

    Attributes
    ----------
    since_ms, half_ms
        Start of the new interactions, and of their second half. If the second half consists only of interactions at the
        last time, both are equal, and all new interactions are targets.
    interactions
        Number of new interactions. With counts, only interactions of the sampled users.
    taught
        Comparison of the winner's settings, fitted up to `half_ms`, with the champion on the second half. None if there
        are no test users, or too few interactions before `half_ms`.
    foreseen
        Predictability of the second half. None if `taught` is None, if one of the two periods has no test users with a
        history, or if there is too little data before the earlier period.
    """

    since_ms: int
    half_ms: int
    interactions: int
    taught: Paired | None
    foreseen: Foreseen | None

    def document(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def sentence(self, *, k: int) -> str:
        parts = [f"{self.interactions:,} interactions are new"]
        if self.taught is not None:
            taught = self.taught
            parts.append(
                f"trained on half of them, ndcg@{k} is {taught.candidate:.4f} on the rest, "
                f"champion {taught.champion:.4f}, {taught.users:,} users"
            )
        if self.foreseen is not None:
            parts.append(f"above random lists {self.foreseen.now:.4f}, in an earlier period {self.foreseen.before:.4f}")
        elif self.taught is not None:
            parts.append("predictability was not compared with an earlier period")
        return "; ".join(parts)


def judge_new_data(
    champion: ChampionBundle,
    data: TrainingData,
    settings: Algorithm,
    *,
    since_ms: int,
    k: int,
    seen: Seen,
    earlier: Sequence[EarlierFit] = (),
    seed: int,
) -> NewData | None:
    """Check the interactions after `since_ms`. Return None if there are none.

    Parameters
    ----------
    since_ms
        Start of the new interactions, see `model_export.job.champion_comparison`.
    earlier
        Models with `settings`, fitted on earlier parts of `data`. The first one whose data ends before the earlier
        period, with which the new one is compared, is reused.
    """
    interactions = data.interactions
    new = interactions.time_ms[interactions.time_ms > since_ms]
    if not len(new):
        return None
    last_ms = data.last_event_ms
    half_ms = _half_ms(interactions, new)
    if half_ms >= last_ms:
        half_ms = since_ms
    part, wanted = _sampled(splits.since(interactions, after_ms=half_ms), seen=seen, seed=seed)
    found = NewData(since_ms=since_ms, half_ms=half_ms, interactions=len(new), taught=None, foreseen=None)
    if not any(map(len, wanted)) or len(part.fit) < MIN_INTERACTIONS:
        return found
    taught = fitted(settings, part.fit)
    ids = [data.item_ids[item - 1] for item in part.order]
    champion_lists = champion.answers(part, ids, event_weights=data.event_weights, k=k, seen=seen)
    own, other = (gains_of(lists, wanted) for lists in (answers_of(taught, part, k=k, seen=seen), champion_lists))
    rest = splits.window(interactions, learned_ms=half_ms, after_ms=half_ms, until_ms=last_ms)
    now = _above_chance(taught, rest, k=k, seen=seen, seed=seed)
    after_ms, until_ms, known = _time_before(
        interactions, champion.manifest.last_event_ms, length_ms=last_ms - half_ms, earlier=earlier
    )
    past = splits.window(interactions, learned_ms=after_ms, after_ms=after_ms, until_ms=until_ms)
    foreseen = None
    if len(now) and len(past.queries) and len(past.fit) >= MIN_INTERACTIONS:
        before = _above_chance(known or fitted(settings, past.fit), past, k=k, seen=seen, seed=seed)
        foreseen = _foreseen(before, now, after_ms=after_ms, until_ms=until_ms)
    return dataclasses.replace(found, taught=paired(own, other), foreseen=foreseen)


def _half_ms(interactions: Interactions, new: Ints) -> int:
    counted = None if interactions.counts is None else interactions.counts.manifest.half_ms
    return int(np.quantile(new, 0.5, method="lower")) if counted is None else counted


def _time_before(
    interactions: Interactions, last_ms: int, *, length_ms: int, earlier: Sequence[EarlierFit]
) -> tuple[int, int, Model | None]:
    """Return start and end of the earlier period of `length_ms`, and the earlier fit that predicts it, or None.

    The period starts where the training data of an earlier fit ends. This data must contain at least half of the
    interactions up to `last_ms`, and the period must end by `last_ms`. If there is no such fit, the period ends at
    `last_ms` and is shortened to the later half of the interactions. With counts, the period starts at the cutoff
    `learned_ms` and does not end after `last_ms`.
    """
    if interactions.counts is not None:
        after_ms = interactions.counts.manifest.learned_ms
        known = next((each.model for each in earlier if each.until_ms == after_ms), None)
        return after_ms, min(after_ms + length_ms, last_ms), known
    past_ms = interactions.time_ms[interactions.time_ms <= last_ms]
    half_ms = int(np.quantile(past_ms, 0.5, method="lower")) if len(past_ms) else last_ms
    for each in earlier:
        if half_ms <= each.until_ms <= last_ms - length_ms:
            return each.until_ms, each.until_ms + length_ms, each.model
    return max(last_ms - length_ms, half_ms), last_ms, None


def _foreseen(before: Gains, now: Gains, *, after_ms: int, until_ms: int) -> Foreseen | None:
    if not len(before):
        return None
    return Foreseen(
        before_after_ms=after_ms,
        before_until_ms=until_ms,
        before_users=len(before),
        before=mean(before),
        users=len(now),
        now=mean(now),
        difference=apart(now, before),
    )


def _above_chance(model: Model, part: Part, *, k: int, seen: Seen, seed: int) -> Gains:
    """Return the NDCG of each user with targets minus the expected NDCG of a random list."""
    part, wanted = _sampled(part, seen=seen, seed=seed)
    gains = gains_of(answers_of(model, part, k=k, seen=seen), wanted)
    return gains - _chance(part.queries, wanted, items=model.items, k=k, seen=seen)


def _sampled(part: Part, *, seen: Seen, seed: int) -> tuple[Part, list[Ints]]:
    part = dataclasses.replace(part, queries=drawn(part.queries, seed=seed))
    return part, wanted_of(part.queries, seen)


def _chance(queries: Queries, wanted: Sequence[Ints], *, items: int, k: int, seen: Seen) -> Gains:
    """Return the expected NDCG of k random items that may be recommended, for each query with targets."""
    with_targets = [query for query, targets in enumerate(wanted) if len(targets)]
    counts = np.array([len(wanted[query]) for query in with_targets], np.int64)
    masked = [len(np.unique(hidden(queries, query, seen))) for query in with_targets]
    every_rank_hit = metrics.gains(np.ones((len(with_targets), k), np.bool_), counts)
    chance: Gains = every_rank_hit * counts / (items - np.array(masked, np.int64))
    return chance
