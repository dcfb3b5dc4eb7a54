"""Models of other installed libraries, as algorithms that are fitted and evaluated like the product's algorithms."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.graph.contract import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer(Algorithm):
    """Model of a library with one setting, which is selected on the validation data.

    Attributes
    ----------
    learn
        Function that fits the model on interactions with a value of the setting and a seed. It returns a function that
        scores a matrix of histories, `(users, items + 1)`.
    tried
        Candidate values of the setting.
    """

    name: ClassVar[str] = "peer"
    inference_parameters: ClassVar[frozenset[str]] = frozenset()
    label: str
    learn: Callable[[Interactions, float, int], Callable[[sp.csr_array], Floats]]
    setting_name: str
    setting: float
    tried: tuple[float, ...]
    seed: int = 0

    def fit(self, interactions: Interactions) -> PeerModel:
        score_matrix = self.learn(interactions, self.setting, self.seed)
        return PeerModel(settings=self, items=interactions.items, score_matrix=score_matrix)

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, setting=setting) for setting in self.tried)

    def describe(self) -> str:
        return f"{self.setting_name} {self.setting:g}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PeerModel(Model):
    """Model that scores users from the matrix of their histories, `(batch, items + 1)`."""

    score_matrix: Callable[[sp.csr_array], Floats]

    def score(self, histories: Histories) -> Floats:
        """Return the library's scores, shifted so that the lowest is 0."""
        matrix = histories.matrix(columns=self.items + 1)
        matrix.sum_duplicates()
        scores = self.score_matrix(matrix)
        scores -= scores.min()
        return np.ascontiguousarray(scores, np.float32)

    def export(self, graph: Graph) -> str:
        raise NotImplementedError


def peers() -> Iterator[Peer]:
    """Yield the models whose libraries are installed."""
    if importlib.util.find_spec("implicit") is not None:
        tried = (1.0, 10.0, 40.0)
        yield Peer(label="implicit ALS, 256 factors", learn=_als, setting_name="alpha", setting=tried[0], tried=tried)
        tried = (20.0, 100.0, 500.0)
        yield Peer(label="implicit BM25", learn=_bm25, setting_name="neighbours", setting=tried[0], tried=tried)


def _als(interactions: Interactions, alpha: float, seed: int) -> Callable[[sp.csr_array], Floats]:
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    model = AlternatingLeastSquares(factors=256, alpha=alpha, random_state=seed, num_threads=1)
    with threadpool_limits(1, "blas"):
        model.fit(_csr(interactions.matrix()), show_progress=False)
    items = np.asarray(model.item_factors)

    def score(matrix: sp.csr_array) -> Floats:
        users = model.recalculate_user(np.arange(matrix.shape[0]), _csr(matrix))
        scores: Floats = np.asarray(users) @ items.T
        return scores

    return score


def _bm25(interactions: Interactions, neighbours: float, _: int) -> Callable[[sp.csr_array], Floats]:
    from implicit.nearest_neighbours import BM25Recommender

    model = BM25Recommender(K=int(neighbours))
    model.fit(_csr(interactions.matrix()), show_progress=False)

    def score(matrix: sp.csr_array) -> Floats:
        return np.asarray((matrix @ sp.csr_array(model.similarity)).toarray())

    return score


def _csr(matrix: sp.csr_array) -> Any:
    return sp.csr_matrix(matrix)
