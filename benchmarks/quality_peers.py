"""Models of other installed libraries, as algorithms that are fitted and evaluated like the product's algorithms."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.graph.contract import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer(Algorithm):
    """Model of a library with one setting, which is selected on the validation data.

    `learn` gets interactions, a value of the setting and a seed. It returns a function that scores histories, `(users,
    items + 1)`.
    """

    name: ClassVar[str] = "peer"
    inference_parameters: ClassVar[frozenset[str]] = frozenset()
    label: str
    learn: Callable[[Interactions, float, int], Callable[[Histories], Floats]]
    setting_name: str
    setting: float
    tried: tuple[float, ...]
    seed: int = 0

    def fit(self, interactions: Interactions) -> PeerModel:
        score_histories = self.learn(interactions, self.setting, self.seed)
        return PeerModel(settings=self, items=interactions.items, score_histories=score_histories)

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, setting=setting) for setting in self.tried)

    def describe(self) -> str:
        return f"{self.setting_name} {self.setting:g}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PeerModel(Model):
    score_histories: Callable[[Histories], Floats]

    def score(self, histories: Histories) -> Floats:
        """Return the library's scores, shifted so that the lowest of the batch is 0. Padding scores 0."""
        scores = self.score_histories(histories)
        scores -= scores.min()
        scores[:, 0] = 0.0
        return np.ascontiguousarray(scores, np.float32)

    def export(self, graph: Graph) -> str:
        raise NotImplementedError


def peers() -> Iterator[Peer]:
    if importlib.util.find_spec("implicit") is not None:
        tried = (1.0, 10.0, 40.0)
        yield Peer(label="implicit ALS, 256 factors", learn=_als, setting_name="alpha", setting=tried[0], tried=tried)
        tried = (20.0, 100.0, 500.0)
        yield Peer(label="implicit BM25", learn=_bm25, setting_name="neighbours", setting=tried[0], tried=tried)
    if importlib.util.find_spec("rectools") is not None:
        for label, learn in (("RecTools SASRec", _sasrec), ("RecTools eSASRec", _esasrec)):
            yield Peer(label=label, learn=learn, setting_name="epochs", setting=10.0, tried=(10.0, 30.0))


def _als(interactions: Interactions, alpha: float, seed: int) -> Callable[[Histories], Floats]:
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    model = AlternatingLeastSquares(factors=256, alpha=alpha, random_state=seed, num_threads=1)
    with threadpool_limits(1, "blas"):
        model.fit(_csr(interactions.matrix()), show_progress=False)
    items = np.asarray(model.item_factors)

    def score(histories: Histories) -> Floats:
        matrix = _counted(histories, interactions.items)
        users = model.recalculate_user(np.arange(matrix.shape[0]), _csr(matrix))
        scores: Floats = np.asarray(users) @ items.T
        return scores

    return score


def _bm25(interactions: Interactions, neighbours: float, _: int) -> Callable[[Histories], Floats]:
    from implicit.nearest_neighbours import BM25Recommender

    model = BM25Recommender(K=int(neighbours))
    model.fit(_csr(interactions.matrix()), show_progress=False)

    def score(histories: Histories) -> Floats:
        return np.asarray((_counted(histories, interactions.items) @ sp.csr_array(model.similarity)).toarray())

    return score


def _sasrec(interactions: Interactions, epochs: float, seed: int) -> Callable[[Histories], Floats]:
    """Fit RecTools' SASRec with its default settings: all items as negatives."""
    return _rectools(interactions, seed, epochs=int(epochs))


def _esasrec(interactions: Interactions, epochs: float, seed: int) -> Callable[[Histories], Floats]:
    """Fit eSASRec as its authors define it: LiGR layers and a sampled softmax with 256 negatives."""
    from rectools.models.nn.transformers.ligr import LiGRLayers

    return _rectools(
        interactions,
        seed,
        epochs=int(epochs),
        loss="sampled_softmax",
        n_negatives=min(256, interactions.items),
        transformer_layers_type=LiGRLayers,
    )


def _rectools(interactions: Interactions, seed: int, **settings: Any) -> Callable[[Histories], Floats]:
    import torch
    from rectools.models import SASRecModel

    torch.manual_seed(seed)
    model = SASRecModel(session_max_len=interactions.history_length, deterministic=True, **settings)
    model.fit(_dataset(interactions.user, interactions.item))

    def score(histories: Histories) -> Floats:
        """Return the reversed ranks of all items, because RecTools returns ranked lists. Unknown items have 0."""
        users, places = np.nonzero(histories.items)
        dataset = _dataset(users, histories.items[users, places])
        lists = model.recommend(np.unique(users), dataset, k=interactions.items, filter_viewed=False)
        scores = np.zeros((len(histories), interactions.items + 1), np.float32)
        scores[lists["user_id"], lists["item_id"]] = interactions.items + 1 - lists["rank"].to_numpy()
        return scores

    return score


def _dataset(users: npt.NDArray[Any], items: npt.NDArray[Any]) -> Any:
    """Treat the order of the interactions as their time."""
    from rectools.dataset import Dataset

    times = pd.Timestamp(0) + pd.to_timedelta(np.arange(len(users)), "s")
    return Dataset.construct(
        pd.DataFrame({"user_id": users, "item_id": items, "weight": np.ones(len(users)), "datetime": times})
    )


def _counted(histories: Histories, items: int) -> sp.csr_array:
    matrix = histories.matrix(columns=items + 1)
    matrix.sum_duplicates()
    return matrix


def _csr(matrix: sp.csr_array) -> Any:
    return sp.csr_matrix(matrix)
