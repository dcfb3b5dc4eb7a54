"""Comparison of a candidate with the champion on the interactions since the champion's training.

The champion's bundle runs with ONNX Runtime as in serving. The candidate has the winner's settings. It is fitted on the
interactions up to the champion's last training event. If later data selected the settings, the candidate is fitted up
to the end of that data instead, as the model of the hold-out test is. The exported model is fitted on all data.

Both models are evaluated on the same users, targets and excluded items. A history contains only items that the model
knows. The targets are the users' later items. Lists have the length `k` and lack the popular items that serving adds.
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
from model_export.data.training_data import MIN_INTERACTIONS, TrainingData
from model_export.evaluation import metrics, splits
from model_export.evaluation.bootstrap import CONFIDENCE, interval
from model_export.evaluation.fit_cache import EarlierFit, fitted
from model_export.evaluation.metrics import PopularityBias, popularity
from model_export.evaluation.paired_comparison import Paired, drawn, gains_of, hit_users, paired, wanted_of
from model_export.evaluation.ranking import Gains, Seen, mean
from model_export.evaluation.segments import target_segments, user_segments
from model_export.evaluation.splits import Part
from model_export.job.response_lists import ChampionBundle, answers_of, open_champion

NOTHING_NEW = "no interactions since its last event can be evaluated"


class Refusal(StrEnum):
    """Reason for a missing comparison."""

    BROKEN = "broken"  # the champion's bundle cannot be used
    NOTHING_NEW = "nothing new"
    NO_PAST = "no past"


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Metrics of a model.

    Attributes
    ----------
    coverage
        Share of the items in at least one list.
    popularity
        Average recommendation popularity: the mean share of listed items in the interactions before the targets.
    popularity_ratio
        Popularity divided by the popularity of the histories, see `model_export.evaluation.metrics`.
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
        Version of the champion, or None if its bundle has no version.
    since_ms
        Start of the targets: the later of the champion's last training event and the end of the data that selected the
        settings. None if the bundle cannot be opened.
    refusal, reason
        Reason for a missing comparison, as code and as text. None after a comparison.
    users, asked_users
        Number of users with later interactions to predict (`splits.since`), and number of evaluated users.
    hit_users
        Number of evaluated users with a relevant item in either list.
    targets
        Number of distinct later items that may be recommended, summed over the evaluated users.
    difference, ahead
        Mean over users of the candidate's NDCG minus the NDCG of the champion, and its 95% bootstrap interval.
    slices
        Results per segment, with intervals that hold jointly at 95% (Bonferroni).
    opened
        Open bundle of the champion for `model_export.job.new_data`. It is not part of the document.
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
        """Return the result for the manifest, where infinity becomes null."""
        found = dataclasses.asdict(dataclasses.replace(self, opened=None))
        del found["opened"]
        return {"k": k, **found}

    def sentence(self, *, k: int) -> str:
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
    selected_until_ms: int = 0,
    earlier: Sequence[EarlierFit] = (),
    seed: int = 0,
) -> AgainstChampion | None:
    """Compare the winner's settings with the champion's bundle. Return None if `directory` is empty or missing.

    If the bundle cannot be opened or run, the training does not fail, and `reason` contains the error.

    Parameters
    ----------
    selected_until_ms
        End of the data that selected the settings. Targets come after it.
    earlier
        Fits of `settings` on `data`. A fit up to the required time is reused.
    """
    if not directory.is_dir() or not any(directory.iterdir()):
        return None
    try:
        champion = open_champion(directory)
    except InvalidBundle as error:
        return AgainstChampion(version=_version(directory), since_ms=None, refusal=Refusal.BROKEN, reason=str(error))
    version = champion.manifest.version
    since_ms = max(champion.manifest.last_event_ms, selected_until_ms)
    part = splits.since(data.interactions, after_ms=since_ms)
    found = AgainstChampion(version=version, since_ms=since_ms, users=len(part.queries))
    if refused := _refused(part):
        return dataclasses.replace(found, refusal=refused[0], reason=refused[1])
    part = dataclasses.replace(part, queries=drawn(part.queries, seed=seed))
    wanted = wanted_of(part.queries, seen)
    if not any(map(len, wanted)):
        return dataclasses.replace(found, refusal=Refusal.NOTHING_NEW, reason=NOTHING_NEW)
    try:
        item_ids = [data.item_ids[item - 1] for item in part.order]
        champion_lists = champion.answers(part, item_ids, event_weights=data.event_weights, k=k, seen=seen)
    except InvalidBundle as error:
        return dataclasses.replace(found, refusal=Refusal.BROKEN, reason=str(error))
    known = next((each.model for each in earlier if each.until_ms == since_ms), None)
    candidate_lists = answers_of(known or fitted(settings, part.fit), part, k=k, seen=seen)
    item_categories = [categories[item - 1] for item in part.order]
    own, other = (gains_of(lists, wanted) for lists in (candidate_lists, champion_lists))
    return dataclasses.replace(
        found,
        asked_users=len(own),
        hit_users=hit_users(own, other),
        targets=sum(map(len, wanted)),
        candidate=_figures(candidate_lists, own, part, wanted),
        champion=_figures(champion_lists, other, part, wanted),
        difference=mean(own - other),
        ahead=interval(own - other),
        slices=_slices(candidate_lists, champion_lists, part, wanted, item_categories, since_ms=since_ms),
        opened=champion,
    )


def _moment(time_ms: int | None) -> str:
    return "?" if time_ms is None else f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M} UTC"


def _version(directory: Path) -> str | None:
    """Return the version in the manifest of an invalid bundle, or None."""
    try:
        return str(orjson.loads((directory / MANIFEST_FILE).read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refused(part: Part) -> tuple[Refusal, str] | None:
    if not len(part.queries):
        return Refusal.NOTHING_NEW, NOTHING_NEW
    if len(part.fit) < MIN_INTERACTIONS:
        minimum = MIN_INTERACTIONS
        return (
            Refusal.NO_PAST,
            f"the data has {len(part.fit)} interactions up to the champion's last event, a fit needs {minimum}",
        )
    return None


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
        popularity=bias.list_popularity,
        popularity_ratio=bias.ratio,
    )


def _slices(
    candidate_lists: Ints,
    champion_lists: Ints,
    part: Part,
    wanted: Sequence[Ints],
    categories: Sequence[str | None],
    *,
    since_ms: int,
) -> dict[str, Paired]:
    came_later = part.queries.source.time_ms[part.queries.starts] > since_ms
    targets_by_group: dict[str, list[Ints]] = {}
    for name, mask in {"new users": came_later, **user_segments(part.queries)}.items():
        targets_by_group[name] = _only(wanted, mask)
    for name, items in target_segments(part, categories).items():
        targets_by_group[name] = [targets[items[targets]] for targets in wanted]
    targets_by_group = {name: targets for name, targets in targets_by_group.items() if any(map(len, targets))}
    confidence = 1.0 - (1.0 - CONFIDENCE) / max(1, len(targets_by_group))
    found = {}
    for name, targets in targets_by_group.items():
        own, other = gains_of(candidate_lists, targets), gains_of(champion_lists, targets)
        found[name] = paired(own, other, confidence=confidence)
    return found


def _only(wanted: Sequence[Ints], mask: npt.NDArray[np.bool_]) -> list[Ints]:
    nothing = np.zeros(0, np.int64)
    return [targets if take else nothing for targets, take in zip(wanted, mask.tolist(), strict=True)]
