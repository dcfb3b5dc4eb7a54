"""Diversity and NDCG of lists with one variant per product, as in serving.

References
----------
C.-N. Ziegler, S. McNee, J. Konstan, G. Lausen, "Improving recommendation lists through topic diversification", WWW
2005, section 3.2: intra-list similarity, here as a distance. The entropy of a list's categories is the Shannon entropy
in bits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from alsolike.catalogue.variants import leaf_category, product_key
from model_export.data.interactions import Floats, Ints
from model_export.data.top_n import kth_best
from model_export.evaluation import metrics

CANDIDATES_A_PLACE = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Kinds:
    """Products and categories of items, by position.

    Attributes
    ----------
    products
        Number of each item's product, int64 `(items + 1,)`. Variants of a product share it. Padding has 0.
    categories
        Number of each item's leaf category, int64 `(items + 1,)`. Padding and items without a category have 0.
    """

    products: Ints
    categories: Ints


def kinds(properties: Sequence[Mapping[str, Any]], order: Ints, *, variants: str | None) -> Kinds:
    """Return the products and categories of items in the order `order`. `properties` are of the full dataset."""
    products: dict[tuple[str, ...], int] = {}
    categories: dict[str, int] = {}
    product_codes, category_codes = [0], [0]
    for item in (order - 1).tolist():
        key = product_key(f"\0{item}", properties[item], by=variants)
        product_codes.append(products.setdefault(key, len(products) + 1))
        category = leaf_category(properties[item])
        category_codes.append(0 if category is None else categories.setdefault(str(category), len(categories) + 1))
    return Kinds(np.array(product_codes, np.int64), np.array(category_codes, np.int64))


@dataclasses.dataclass(frozen=True, slots=True)
class Diversity:
    """Metrics of lists with one variant per product. Entropy and distance ignore lists of a single item.

    Attributes
    ----------
    ndcg
        NDCG@k of the lists.
    category_entropy
        Mean entropy of the leaf categories of a list, in bits. It is 0 for one category, and log2(k) for k items of k
        categories.
    intra_list_distance
        Mean cosine distance of two items of a list: 0 for equal properties, 1 if they have no token in common. Items
        without properties have the distance 1 from all items.
    """

    ndcg: float
    category_entropy: float
    intra_list_distance: float


class ProductLists:
    """Collector of lists with one variant per product.

    Parameters
    ----------
    content
        Vectors of the items, of length 1 or 0, `(items + 1, features)`.
    """

    def __init__(self, kinds: Kinds, content: sp.csr_array, *, k: int) -> None:
        self._kinds, self._content, self._k = kinds, content, k
        self._lists: list[Ints] = []
        self._hits: list[npt.NDArray[np.bool_]] = []
        self._targets: list[int] = []

    def add(self, scores: Floats, targets: Ints) -> None:
        """Add a user's list. Among equal scores, targets are last."""
        best = product_list(scores, targets, self._kinds.products, k=self._k)
        hits = np.zeros(self._k, np.bool_)
        hits[: len(best)] = (best[:, None] == targets).any(axis=1)
        self._lists.append(best)
        self._hits.append(hits)
        self._targets.append(len(targets))

    def diversity(self) -> Diversity:
        hits = np.array(self._hits, np.bool_).reshape(-1, self._k)
        lists = [listed for listed in self._lists if len(listed) > 1]
        return Diversity(
            ndcg=metrics.ndcg(hits, np.array(self._targets, np.int64)),
            category_entropy=_mean([category_entropy(self._kinds.categories[listed]) for listed in lists]),
            intra_list_distance=_mean(intra_list_distances(lists, self._content).tolist()),
        )


def product_list(scores: Floats, targets: Ints, products: Ints, *, k: int) -> Ints:
    """Return the k best items with one item per product.

    If the best `CANDIDATES_A_PLACE * k` items have fewer than k products, further variants of these products fill the
    list.

    Examples
    --------
    >>> product_list(np.array([-np.inf, 0.9, 0.8, 0.7]), np.array([3]), np.array([0, 1, 1, 2]), k=2).tolist()
    [1, 3]
    """
    lowest = kth_best(scores, min(CANDIDATES_A_PLACE * k, len(scores)))
    candidates = np.flatnonzero(scores > lowest if lowest == -np.inf else scores >= lowest)
    is_target = (candidates[:, None] == targets).any(axis=1)
    ranked = candidates[np.lexsort((candidates, is_target, -scores[candidates]))]
    best: dict[int, int] = {}
    for item, product in zip(ranked.tolist(), products[ranked].tolist(), strict=True):
        best.setdefault(product, item)
        if len(best) == k:
            break
    others = [] if len(best) == k else [item for item in ranked.tolist() if item not in best.values()]
    return np.array([*best.values(), *others][:k], np.int64)


def category_entropy(categories: Ints) -> float:
    """Return the entropy of a list's categories, in bits. Items without a category are ignored.

    Examples
    --------
    Two items have the same category, two items have other categories: 1/2 · 1 + 2 · 1/4 · 2.

    >>> category_entropy(np.array([7, 7, 8, 9]))
    1.5
    """
    counts = np.bincount(categories[categories > 0])
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def intra_list_distances(lists: Sequence[Ints], content: sp.csr_array) -> npt.NDArray[np.float64]:
    """Return the mean cosine distance of two items of each list, float64 `(lists,)`.

    Each list must have two or more items. `content` contains vectors of length 1, or 0 for items without properties,
    which have the distance 1 from all items.

    The sum of the inner products of all pairs is (|sum of vectors|² - sum of |vector|²) / 2.

    Examples
    --------
    The three pairs of the list (1, 1, 2) have the distances 0, 1 and 1.

    >>> vectors = sp.csr_array(np.array([[0, 0], [1, 0], [0, 1]], np.float32))
    >>> intra_list_distances([np.array([1, 1, 2])], vectors).round(4).tolist()
    [0.6667]
    """
    if not lists:
        return np.zeros(0)
    lengths = np.array([len(listed) for listed in lists])
    items = np.concatenate(lists)
    row = np.repeat(np.arange(len(lists)), lengths)
    list_items = sp.csr_array((np.ones(len(items), np.float32), (row, items)), shape=(len(lists), content.shape[0]))
    sums = (list_items @ content).power(2).sum(axis=1)
    own = list_items @ content.power(2).sum(axis=1)
    similarity = (sums - own) / (lengths * (lengths - 1))
    distances: npt.NDArray[np.float64] = 1.0 - np.asarray(similarity, np.float64)
    return distances


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
