"""Library for notebooks: load a frame, fit, compare, export and serve models. `docs/library.md` shows it.

An evaluation splits the interactions in time. By default, the rules of a training determine the length of the test, and
whether seen items are excluded. Own models and models of other libraries answer through one protocol, `Recommender`.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from alsolike.bundle.files import GRAPH_FILE
from alsolike.runtime.errors import InvalidInput
from model_export.algorithms import named
from model_export.api import Model
from model_export.data.interactions import Histories, Ints
from model_export.data.top_n import best_items
from model_export.evaluation import metrics, ranking, splits
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.fit_cache import fitted
from model_export.evaluation.protocol import choose_seen, repurchase_share
from model_export.evaluation.ranking import Seen, end, hidden, scored
from model_export.evaluation.splits import Part, Queries
from model_export.export.writer import open_session, recommend, write_graphs
from model_export.imported.algorithm import model_of
from model_export.imported.checks import check_folder
from model_export.imported.export import write_folder
from operations.ingest import interaction_file

K = 10
USERS_PER_CALL = 1_000
"""Maximum number of users per call of `recommend` in an evaluation."""

_METRICS = ("ndcg", "hr", "mrr")
_EXAMPLES = 20

Floats = npt.NDArray[np.float64]


class Recommender(Protocol):
    """Model of any library that can be evaluated."""

    def fit(self, interactions: pd.DataFrame) -> object:
        """Fit the model.

        Parameters
        ----------
        interactions
            Columns `USER_ID`, `ITEM_ID`, `TIMESTAMP` (UTC, without a time zone) and `WEIGHT`. Rows are sorted by user,
            then time.
        """
        ...

    def recommend(self, users: Sequence[str], k: int) -> Sequence[Sequence[str]]:
        """Return at most `k` item IDs per user, best first. Seen items may be in the lists."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Data:
    """Interactions, divided into training data and the last days for the test.

    Attributes
    ----------
    part
        Training data and test queries, see `model_export.evaluation.splits.Part`.
    user_ids, item_ids
        User IDs of numbers 0..M - 1, and item IDs of the positions 1..N of `part`.
    seen
        Treatment of seen items, see `model_export.evaluation.ranking.evaluate`.
    test_start
        Time of the test queries in UTC, without a time zone. Models learn the interactions up to this time.
    notes
        Remarks on the data, such as rows that an import would reject.
    """

    part: Part
    user_ids: Sequence[str]
    item_ids: Sequence[str]
    seen: Seen
    test_start: pd.Timestamp
    notes: Sequence[str]

    @property
    def train(self) -> pd.DataFrame:
        """Training data in the columns of `Recommender.fit`."""
        fit = self.part.fit
        return pd.DataFrame(
            {
                "USER_ID": np.array(self.user_ids, object)[fit.user],
                "ITEM_ID": np.array(self.item_ids, object)[fit.item - 1],
                "TIMESTAMP": pd.to_datetime(fit.time_ms, unit="ms"),
                "WEIGHT": fit.weight,
            }
        )


def load(frame: pd.DataFrame, *, test_days: float | None = None, exclude_seen: bool | None = None) -> Data:
    """Check the rows of a frame as an import does, and hold out the last days.

    Parameters
    ----------
    frame
        Columns `USER_ID`, `ITEM_ID`, `TIMESTAMP` (seconds or milliseconds since 1970, or dates) and, if known,
        `EVENT_TYPE`.
    test_days
        Length of the test. Default: 28 days, or a tenth of the data's time span if that is shorter.
    exclude_seen
        True to exclude items of the user's history. Default: the rule of a training.

    Raises
    ------
    InvalidInput
        If a column or `test_days` is invalid, no row is valid, or no user has interactions both before and in the test.
    """
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(path := Path(folder) / "frame.parquet", index=False)
        file = interaction_file.read(path, only_learned=True)
    interactions = file.interactions
    split = splits.temporal(interactions, holdout_ms=splits.holdout_ms(interactions, days=test_days))
    test_start = pd.to_datetime(split.selected_until_ms, unit="ms")
    if not len(split.test.queries):
        raise InvalidInput(
            f"no user has interactions both up to {test_start:%Y-%m-%d %H:%M} UTC and in the test after it; "
            "set another test_days"
        )
    seen: Seen
    if exclude_seen is None:
        repeats = split.validation.queries.repeat_share()
        seen = choose_seen(repeat_share=repeats, repurchase_share=repurchase_share(split.test.fit))
    else:
        seen = "masked" if exclude_seen else "allowed"
    return Data(
        part=split.test,
        user_ids=file.user_ids,
        item_ids=[file.item_ids[item - 1] for item in split.test.order],
        seen=seen,
        test_start=test_start,
        notes=file.notes,
    )


def fit(algorithm: str, data: Data) -> FittedModel:
    """Fit an algorithm of Alsolike on the training data.

    Parameters
    ----------
    algorithm
        Name of an algorithm, as in `alsolike evaluate --algorithms`.

    Raises
    ------
    InvalidInput
        For example, if the algorithm is unknown, or does not support the data.
    """
    ((name, settings),) = named(algorithm).items()
    if reason := settings.unsupported_reason(data.part.fit):
        raise InvalidInput(f"{name} does not support the data: {reason}")
    return FittedModel(fitted(settings, data.part.fit), data)


@dataclasses.dataclass(frozen=True, slots=True)
class FittedModel:
    """Model of Alsolike, fitted on the training data of `data`."""

    model: Model
    data: Data

    def fit(self, interactions: pd.DataFrame) -> FittedModel:
        """Return this model, which is already fitted."""
        return self

    def recommend(self, users: Sequence[str], k: int) -> list[list[str]]:
        """Return at most `k` item IDs per user at the start of the test, best first. Unknown users have no items."""
        numbers = pd.Index(self.data.user_ids).get_indexer(pd.Index(users))
        known = np.flatnonzero(numbers >= 0)
        lists: list[list[str]] = [[] for _ in users]
        for row, scores in self._scored(numbers[known]):
            end(scores)
            listed = np.sort(best_items(scores, k))
            best = listed[np.argsort(-scores[listed], kind="stable")]
            lists[known[row]] = [self.data.item_ids[item - 1] for item in best.tolist()]
        return lists

    def _scored(self, numbers: Ints) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        source = self.data.part.queries.source
        offsets = source.offsets
        queries = Queries(
            source=source,
            starts=offsets[numbers],
            ends=offsets[numbers + 1],
            now_ms=np.full(len(numbers), self.data.part.queries.now_ms[0]),
            targets=np.zeros(0, np.int64),
            target_offsets=np.zeros(len(numbers) + 1, np.int64),
        )
        for first, scores in scored(self.model, queries):
            yield from enumerate(scores, first)


class Implicit:
    """Adapter of a model of the library implicit.

    Parameters
    ----------
    model
        Model with `fit` and `recommend`, such as `implicit.als.AlternatingLeastSquares(random_state=0)`.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def fit(self, interactions: pd.DataFrame) -> Implicit:
        """Fit the model on the matrix with 1 for each item that a user interacted with."""
        users, self._users = pd.factorize(interactions["USER_ID"])
        items, self._items = pd.factorize(interactions["ITEM_ID"])
        ones, shape = np.ones(len(users), np.float32), (len(self._users), len(self._items))
        self._matrix = sp.csr_matrix((ones, (users, items)), shape=shape)  # sums repeated interactions
        self._matrix.data[:] = 1.0
        self._model.fit(self._matrix, show_progress=False)
        return self

    def recommend(self, users: Sequence[str], k: int) -> list[list[str]]:
        """Return at most `k` item IDs per user. Unknown users have no items."""
        numbers = pd.Index(self._users).get_indexer(pd.Index(users))
        known = np.flatnonzero(numbers >= 0)
        lists: list[list[str]] = [[] for _ in users]
        count = min(k, len(self._items))
        rows, scores = self._model.recommend(
            numbers[known], self._matrix[numbers[known]], N=count, filter_already_liked_items=False
        )
        for user, items, item_scores in zip(known.tolist(), rows, scores, strict=True):
            lists[user] = [self._items[item] for item in items[(items >= 0) & np.isfinite(item_scores)]]
        return lists


class Lists:
    """Lists that a model made in another environment.

    Parameters
    ----------
    frame
        Columns `USER_ID` and `ITEM_ID`, the best item of a user first.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        text = frame[["USER_ID", "ITEM_ID"]].astype(str)
        self._lists = text.groupby("USER_ID", sort=False)["ITEM_ID"].agg(list).to_dict()

    def fit(self, interactions: pd.DataFrame) -> Lists:
        """Return this object, because its lists are complete."""
        return self

    def recommend(self, users: Sequence[str], k: int) -> list[list[str]]:
        """Return at most `k` item IDs per user."""
        return [self._lists.get(user, [])[:k] for user in users]


def evaluate(model: Recommender, data: Data, *, k: int = K) -> pd.DataFrame:
    """Evaluate the lists of a fitted model on the test.

    Returns
    -------
    pandas.DataFrame
        Rows `ndcg`, `hr`, `mrr` and `coverage`, with the columns `value`, `low` and `high`. The last two are the 95%
        interval of a bootstrap over users; coverage has none.

    Raises
    ------
    InvalidInput
        If the number of lists is wrong, a list repeats an item, or every target of every user is a seen item.
    """
    judged = _judge("the model", model, data, k)
    rows = {name: (values.mean(), *interval(values)) for name, values in judged.by_user.items()}
    rows["coverage"] = (judged.coverage, np.nan, np.nan)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])


def compare(models: Mapping[str, Recommender], data: Data, *, k: int = K) -> pd.DataFrame:
    """Fit and evaluate models, and compare each with the first model on the same users.

    Returns
    -------
    pandas.DataFrame
        A row per model. `ndcg_low` and `ndcg_high` are the 95% interval of `ndcg`. `ahead` is the NDCG minus the NDCG
        of the first model, with the 95% interval `ahead_low` to `ahead_high`. An interval without 0 shows a difference.

    Raises
    ------
    InvalidInput
        See `evaluate`.
    """
    rows: dict[str, dict[str, float]] = {}
    first: Floats | None = None
    for name, model in models.items():
        model.fit(data.train)
        judged = _judge(name, model, data, k)
        gains = judged.by_user["ndcg"]
        first = gains if first is None else first
        ndcg_low, ndcg_high = interval(gains)
        ahead_low, ahead_high = interval(gains - first)
        rows[name] = {
            "ndcg": gains.mean(), "ndcg_low": ndcg_low, "ndcg_high": ndcg_high,
            **{metric: judged.by_user[metric].mean() for metric in _METRICS[1:]}, "coverage": judged.coverage,
            "ahead": (gains - first).mean(), "ahead_low": ahead_low, "ahead_high": ahead_high,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def export(model: FittedModel, directory: str | Path) -> None:
    """Write a model as a graph that `serve` runs and `alsolike models import` accepts.

    `model.json` contains scores of some test users' histories, with which `serve` and an import check the graph.
    """
    queries = model.data.part.queries.sample(_EXAMPLES)
    histories = ranking.histories(queries, half_life_days=math.inf).items
    write_folder(
        model.model,
        Path(directory),
        item_ids=model.data.item_ids,
        trained_until=model.data.test_start.to_pydatetime(),
        histories=histories,
        scored=K,
    )


def serve(directory: str | Path) -> Served:
    """Check an exported graph, extend it by the exclusion of items and the selection of the best k, and open it.

    Raises
    ------
    InvalidBundle
        If the graph is invalid, or does not return the scores of its examples.
    """
    folder = check_folder(Path(directory))
    model = model_of(folder)
    with tempfile.TemporaryDirectory() as graphs:
        write_graphs(model, Path(graphs))
        return Served(open_session(Path(graphs) / GRAPH_FILE), folder.item_ids)


class Served:
    """Open session of an exported graph."""

    def __init__(self, session: Any, item_ids: Sequence[str]) -> None:
        self._session, self._item_ids = session, item_ids
        self._positions = {item_id: position for position, item_id in enumerate(item_ids, start=1)}

    def recommend(self, history: Sequence[str], *, k: int = K) -> list[str]:
        """Return at most `k` item IDs that are not in the history, best first.

        Parameters
        ----------
        history
            Item IDs of a user's interactions, oldest first. Unknown items are ignored.
        """
        known = [self._positions[item_id] for item_id in history if item_id in self._positions]
        items = np.array([known or [0]], np.int64)
        histories = Histories(items=items, weights=(items > 0).astype(np.float32))
        found, _ = recommend(self._session, histories, exclude=items, k=k)
        return [self._item_ids[item - 1] for item in found[0].tolist() if item]


def plot(table: pd.DataFrame) -> Any:
    """Draw the NDCG of `compare` with its intervals, and return matplotlib's axes.

    Raises
    ------
    InvalidInput
        If matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InvalidInput("plot needs matplotlib, which is not installed: pip install matplotlib")
    around = np.array([[table["ndcg"] - table["ndcg_low"], table["ndcg_high"] - table["ndcg"]]]).clip(min=0)
    _, axes = importlib.import_module("matplotlib.pyplot").subplots()
    return table["ndcg"][::-1].plot.barh(ax=axes, xerr=around[..., ::-1], xlabel="NDCG, 95% interval over users")


@dataclasses.dataclass(frozen=True, slots=True)
class _Judged:
    """Metrics per evaluated user, float64 `(users,)` each, and the share of items in at least one list."""

    by_user: Mapping[str, Floats]
    coverage: float


def _judge(name: str, model: Recommender, data: Data, k: int) -> _Judged:
    """Evaluate the lists of the users who have at least one target that may be recommended."""
    queries = data.part.queries
    positions = {item_id: position for position, item_id in enumerate(data.item_ids, start=1)}
    recommended = np.zeros(len(data.item_ids) + 1, np.bool_)
    rows: list[npt.NDArray[np.bool_]] = []
    counts: list[int] = []
    for first in range(0, len(queries), USERS_PER_CALL):
        numbers = range(first, min(first + USERS_PER_CALL, len(queries)))
        past = [set(hidden(queries, query, data.seen).tolist()) for query in numbers]
        users = [data.user_ids[queries.source.user[queries.starts[query]]] for query in numbers]
        lists = model.recommend(users, k + max(map(len, past)))
        if len(lists) != len(users):
            raise InvalidInput(f"{name} returned {len(lists)} lists for {len(users)} users, expected one per user")
        for query, user, seen, listed in zip(numbers, users, past, lists, strict=True):
            if len(set(listed)) != len(listed):
                raise InvalidInput(f"{name} recommends an item twice to user {user!r}, expected different items")
            targets = set(queries.targets_of(query).tolist()) - seen
            if not targets:
                continue
            items = [item for item in (positions.get(item_id, 0) for item_id in listed) if item not in seen][:k]
            recommended[items] = True
            rows.append(np.array([item in targets for item in items] + [False] * (k - len(items)), np.bool_))
            counts.append(len(targets))
    if not rows:
        raise InvalidInput("no user has a target outside of the seen items; load with exclude_seen=False")
    hits = np.array(rows)
    reciprocal = hits.any(axis=1) / (hits.argmax(axis=1) + 1)
    gains = metrics.gains(hits, np.array(counts, np.int64))
    by_user = {"ndcg": gains, "hr": hits.any(axis=1).astype(np.float64), "mrr": reciprocal}
    return _Judged(by_user, metrics.coverage(recommended[1:]))
