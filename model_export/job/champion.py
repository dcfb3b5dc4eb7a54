"""Comparison of a candidate with the champion on the interactions since the champion's training.

The champion is its bundle, run through ONNX Runtime as it is served. The candidate is the winner's settings, fitted on
interactions up to the champion's last training event. If the data that chose the settings ends later, the candidate is
fitted up to that end: it is the model of the test then. The exported model is fitted on everything.

Both answer for the same users, from the same pasts, and may recommend the same items. The targets are the users' later
items, and lists have length `k`. The judged list is the model's own, without the popular items that serving adds.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.bundle.files import MANIFEST_FILE
from alsolike.runtime.errors import InvalidBundle
from model_export.api import Algorithm
from model_export.data.interactions import Ints
from model_export.data.training_data import MINIMUM_INTERACTIONS, TrainingData
from model_export.evaluation import metrics, splits
from model_export.evaluation.bootstrap import CONFIDENCE, interval
from model_export.evaluation.fit_cache import EarlierFit, fitted
from model_export.evaluation.paired import Paired, drawn, gains_of, hit_users, paired, wanted_of
from model_export.evaluation.popularity_bias import PopularityBias, popularity
from model_export.evaluation.ranking import Gains, Seen, mean
from model_export.evaluation.segments import of_targets, of_users
from model_export.evaluation.splits import Part
from model_export.job.answer_lists import ChampionBundle, answers_of, open_champion

NOTHING_NEW = "no interactions since its last event can be evaluated"


class Refusal(StrEnum):
    """Why there is nothing to compare."""

    BROKEN = "broken"  # the champion's bundle
    NOTHING_NEW = "nothing new"
    NO_PAST = "no past"


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """One model's figures.

    Attributes
    ----------
    coverage
        Share of the items that stand in a list.
    popularity
        Average recommendation popularity: the mean share of all interactions that an item of a list has.
    popularity_ratio
        That by the same of the users' histories, see `model_export.evaluation.popularity_bias`.
    """

    ndcg: float
    coverage: float
    popularity: float
    popularity_ratio: float


@dataclasses.dataclass(frozen=True, slots=True)
class AgainstChampion:
    """Result of the comparison.

    Attributes
    ----------
    version
        The champion's; None if its bundle does not state it.
    since_ms
        The later of the champion's last training event and the end of the data that chose the settings; only later
        interactions are targets.
    refusal, reason
        Why the two were not compared; None if they were, even by few users.
    users, asked_users
        Users with interactions after that moment, and those of them who count after sampling.
    hit_users
        The evaluated users with a relevant item in either list.
    targets
        Items of these users' later interactions, once per user.
    difference, ahead
        Mean over users of the candidate's NDCG minus the champion's, and its 95% bootstrap interval.
    slices
        Results per slice, with intervals that hold jointly with 95% (Bonferroni).
    opened
        The champion that it was compared with, for `model_export.job.new_data`; not in the document.
    """

    version: str | None
    since_ms: int | None
    refusal: Refusal | None = None
    reason: str | None = None
    users: int = 0
    asked_users: int = 0
    hit_users: int = 0
    targets: int = 0
    candidate: Figures | None = None
    champion: Figures | None = None
    difference: float = 0.0
    ahead: tuple[float, float] = (-np.inf, np.inf)
    slices: Mapping[str, Paired] = dataclasses.field(default_factory=dict)
    opened: ChampionBundle | None = dataclasses.field(default=None, repr=False, compare=False)

    def document(self, *, k: int) -> dict[str, Any]:
        """Return it for the manifest; infinity becomes null there."""
        found = dataclasses.asdict(dataclasses.replace(self, opened=None))
        del found["opened"]
        return {"k": k, **found}

    def sentence(self, *, k: int) -> str:
        """Return what the training log says."""
        if self.candidate is None or self.champion is None:
            return f"champion {self.version or '?'} is not compared: {self.reason}"
        low, high = self.ahead
        return (
            f"against champion {self.version}, by {self.asked_users:,} of {self.users:,} users since "
            f"{_moment(self.since_ms)}: "
            f"ndcg@{k} {self.candidate.ndcg:.4f}, champion {self.champion.ndcg:.4f}, "
            f"ahead {self.difference:+.4f} ({low:+.4f} to {high:+.4f})"
        )


def against_champion(
    directory: Path,
    data: TrainingData,
    settings: Algorithm,
    *,
    k: int,
    seen: Seen,
    categories: Sequence[str | None],
    chosen_until_ms: int = 0,
    earlier: Sequence[EarlierFit] = (),
    seed: int = 0,
) -> AgainstChampion | None:
    """Compare the winner's settings with the champion's bundle in `directory`; None where there is none.

    A bundle that cannot be opened or run is no error of the training: `reason` says why.

    Parameters
    ----------
    categories
        Of the items of `data`.
    chosen_until_ms
        End of the data that chose the settings; nothing before it is a target.
    earlier
        Fits of `settings` on `data`; the one up to the right time is not repeated.
    seed
        Of the users who are drawn where there are more than `paired.MOST_ASKED`.
    """
    if not directory.is_dir() or not any(directory.iterdir()):
        return None
    try:
        champion = open_champion(directory)
    except InvalidBundle as error:
        return AgainstChampion(version=_version(directory), since_ms=None, refusal=Refusal.BROKEN, reason=str(error))
    version = champion.manifest.version
    since_ms = max(champion.manifest.last_event_ms, chosen_until_ms)
    part = splits.since(data.interactions, after_ms=since_ms)
    found = AgainstChampion(version=version, since_ms=since_ms, users=len(part.queries))
    if refused := _refused(part):
        return dataclasses.replace(found, refusal=refused[0], reason=refused[1])
    part = dataclasses.replace(part, queries=drawn(part.queries, seed=seed))
    wanted = wanted_of(part.queries, seen)
    if not any(map(len, wanted)):
        return dataclasses.replace(found, refusal=Refusal.NOTHING_NEW, reason=NOTHING_NEW)
    try:
        of_champion = champion.answers(part, _ids(data, part), event_weights=data.event_weights, k=k, seen=seen)
    except InvalidBundle as error:
        return dataclasses.replace(found, refusal=Refusal.BROKEN, reason=str(error))
    known = next((each.model for each in earlier if each.until_ms == since_ms), None)
    of_candidate = answers_of(known or fitted(settings, part.fit), part, k=k, seen=seen)
    of_item = [categories[item - 1] for item in part.order]
    own, other = (gains_of(lists, wanted) for lists in (of_candidate, of_champion))
    return dataclasses.replace(
        found,
        asked_users=len(own),
        hit_users=hit_users(own, other),
        targets=sum(map(len, wanted)),
        candidate=_figures(of_candidate, own, part, wanted),
        champion=_figures(of_champion, other, part, wanted),
        difference=mean(own - other),
        ahead=interval(own - other),
        slices=_slices(of_candidate, of_champion, part, wanted, of_item, since_ms=since_ms),
        opened=champion,
    )


def _moment(time_ms: int | None) -> str:
    return "?" if time_ms is None else f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M} UTC"


def _version(directory: Path) -> str | None:
    """Return the version that an unreadable bundle's manifest states, for people, or None."""
    try:
        return str(orjson.loads((directory / MANIFEST_FILE).read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refused(part: Part) -> tuple[Refusal, str] | None:
    if not len(part.queries):
        return Refusal.NOTHING_NEW, NOTHING_NEW
    if len(part.fit) < MINIMUM_INTERACTIONS:
        least = MINIMUM_INTERACTIONS
        return (
            Refusal.NO_PAST,
            f"the data has {len(part.fit)} interactions up to the champion's last event, a fit needs {least}",
        )
    return None


def _ids(data: TrainingData, part: Part) -> list[str]:
    return [data.item_ids[item - 1] for item in part.order]


def _figures(lists: Ints, gains: Gains, part: Part, wanted: Sequence[Ints]) -> Figures:
    shares = popularity(part.fit)
    bias, recommended = PopularityBias(shares), np.zeros(len(shares), np.bool_)
    for query, targets in enumerate(wanted):
        listed = lists[query][lists[query] > 0]
        if len(targets):
            recommended[listed] = True
            bias.add(listed=listed, past=part.queries.seen(query))
    return Figures(
        ndcg=mean(gains),
        coverage=metrics.coverage(recommended[1:]),
        popularity=bias.of_lists,
        popularity_ratio=bias.ratio,
    )


def _slices(
    of_candidate: Ints,
    of_champion: Ints,
    part: Part,
    wanted: Sequence[Ints],
    categories: Sequence[str | None],
    *,
    since_ms: int,
) -> dict[str, Paired]:
    came_later = part.queries.source.time_ms[part.queries.starts] > since_ms
    asked: dict[str, list[Ints]] = {}
    for name, chosen in {"new users": came_later, **of_users(part.queries)}.items():
        asked[name] = _only(wanted, chosen)
    for name, items in of_targets(part, categories).items():
        asked[name] = [targets[items[targets]] for targets in wanted]
    asked = {name: targets for name, targets in asked.items() if any(map(len, targets))}
    confidence = 1.0 - (1.0 - CONFIDENCE) / max(1, len(asked))
    found = {}
    for name, targets in asked.items():
        own, other = gains_of(of_candidate, targets), gains_of(of_champion, targets)
        found[name] = paired(own, other, confidence=confidence)
    return found


def _only(wanted: Sequence[Ints], chosen: npt.NDArray[np.bool_]) -> list[Ints]:
    nothing = np.zeros(0, np.int64)
    return [targets if take else nothing for targets, take in zip(wanted, chosen.tolist(), strict=True)]
