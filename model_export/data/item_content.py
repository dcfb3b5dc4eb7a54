"""TF-IDF vectors of items over the tokens of their properties, see `alsolike.snapshot.item_tokens`.

References
----------
G. Salton, C. Buckley, "Term-weighting approaches in automatic text retrieval", Information Processing & Management
1988: binary term frequency, inverse document frequency, vectors of length 1.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from alsolike.arrays.ragged import Ragged, hashes_of
from alsolike.snapshot.content_index import UNSCALED, ContentIndex, Scales
from alsolike.snapshot.item_tokens import item_tokens
from alsolike.snapshot.sentences import SentenceIndex
from model_export.data.interactions import Floats, Interactions, Ints
from model_export.data.top_n import kth_best

BATCH_GROUPS = 2048
MAX_PAIRS = 200_000_000
MIN_COSINE = np.float32(1e-6)


@dataclasses.dataclass(frozen=True, slots=True)
class ItemContent:
    """Vectors of items, and the tokens of their properties.

    Attributes
    ----------
    tokens
        Sorted tokens that occur in at least two items but not in all items.
    idf
        Inverse document frequency, log(number of items / number of items with the token), float32 `(tokens,)`.
    vectors
        Vectors of length 1, float32 `(items + 1, tokens)`. Items without such tokens have empty rows, and so has item
        0.
    """

    tokens: Sequence[str]
    idf: Floats
    vectors: sp.csr_array


def item_content(properties: Sequence[Mapping[str, Any]]) -> ItemContent:
    token_lists = [item_tokens(columns) for columns in properties]
    counts = Counter(token for tokens in token_lists for token in tokens)
    tokens = sorted(token for token, count in counts.items() if 1 < count < len(properties))
    number = {token: index for index, token in enumerate(tokens)}
    idf = np.log(len(properties) / np.array([counts[token] for token in tokens])).astype(np.float32)
    columns = [[number[token] for token in tokens if token in number] for tokens in token_lists]
    lengths = [0, *map(len, columns)]
    indices = np.array([column for row in columns for column in sorted(row)], np.int32)
    data = idf[indices]
    vectors = sp.csr_array((data, indices, np.cumsum([0, *lengths])), shape=(len(properties) + 1, len(tokens)))
    norms = np.sqrt(vectors.multiply(vectors).sum(axis=1))
    vectors.data /= np.repeat(norms, np.diff(vectors.indptr))
    return ItemContent(tokens=tokens, idf=idf, vectors=vectors)


def content_index(
    item_ids: Sequence[str],
    content: ItemContent,
    *,
    scales: Scales = UNSCALED,
    rare_ids: Sequence[str] = (),
    sentences: SentenceIndex | None = None,
) -> ContentIndex:
    """Return the index of items 1..len(item_ids), which finds the nearest neighbours of a cold item.

    Parameters
    ----------
    rare_ids
        IDs of cold items that are rare, not new; see `Scales`.
    """
    holders = sp.csc_array(content.vectors)
    token_hashes = hashes_of([token.encode() for token in content.tokens])
    order = np.argsort(token_hashes)
    by_token = Ragged.from_codes(np.diff(holders.indptr).tolist(), holders.indices.astype(np.int32))
    ones = np.ones_like(content.vectors.data)
    has = sp.csr_array((ones, content.vectors.indices, content.vectors.indptr), shape=content.vectors.shape)
    return ContentIndex(
        item_hashes=_hashes(item_ids),
        token_hashes=token_hashes[order],
        idf=content.idf[order],
        holders=by_token.take(order),
        norms=np.sqrt(has @ content.idf**2),
        scales=scales,
        rare_hashes=_hashes(rare_ids),
        sentences=sentences,
    )


def _hashes(item_ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.sort(hashes_of([item_id.encode() for item_id in item_ids]))


def alike(interactions: Interactions, *, maximum: int, max_pairs: int = MAX_PAIRS) -> sp.csr_array:
    """Return the cosines of each item with its nearest other items, float32 `(items + 1, items + 1)`.

    Parameters
    ----------
    maximum
        Maximum number of neighbours per row. Ties may exceed it.
    max_pairs
        Maximum number of item pairs, summed over tokens. The most frequent tokens are excluded to meet it.
    """
    known: Any = interactions.content
    if known is None:
        known = sp.csr_array((interactions.items + 1, 0), dtype=np.float32)
    vectors = rarest(known, max_pairs)
    firsts, group = _groups(vectors)
    members = Ragged.from_codes(np.ones(len(group), np.int64), group.astype(np.uint32)).inverted(len(firsts))
    rows = vectors[firsts]
    tokens_groups = sp.csr_array(rows.T)
    items: list[Ints] = [np.zeros(0, np.int64)] * len(group)
    cosines: list[Floats] = [np.zeros(0, np.float32)] * len(group)
    for first in range(0, len(firsts), BATCH_GROUPS):
        similar = sp.csr_array(rows[first : first + BATCH_GROUPS] @ tokens_groups)
        for own, (start, end) in enumerate(itertools.pairwise(similar.indptr.tolist()), first):
            groups, group_cosines = similar.indices[start:end], similar.data[start:end]
            # One more than `maximum`, because the group contains the item.
            near = np.flatnonzero(group_cosines >= max(kth_best(group_cosines, maximum + 1), MIN_COSINE))
            listed = members.take(groups[near].astype(np.int64))
            found, values = listed.data.astype(np.int64), np.repeat(group_cosines[near], listed.lengths)
            for item in members[own].tolist():
                others = found != item
                kept = others & (values >= kth_best(values[others], maximum))
                items[item], cosines[item] = found[kept], values[kept]
    ends = np.cumsum([0, *map(len, items)])
    return sp.csr_array((np.concatenate(cosines), np.concatenate(items), ends), shape=(len(group), len(group)))


def _groups(vectors: sp.csr_array) -> tuple[Ints, Ints]:
    """Return the first item of each distinct vector, and the index of each item's vector among the distinct vectors.

    Many items have equal properties, for example half of a grocer's items.
    """
    numbers: dict[tuple[bytes, bytes], int] = {}
    group = np.zeros(vectors.shape[0], np.int64)
    firsts: list[int] = []
    for item, (start, end) in enumerate(itertools.pairwise(vectors.indptr.tolist())):
        vector = vectors.indices[start:end].tobytes(), vectors.data[start:end].tobytes()
        group[item] = number = numbers.setdefault(vector, len(numbers))
        if number == len(firsts):
            firsts.append(item)
    return np.array(firsts, np.int64), group


def rarest(vectors: sp.csr_array, max_pairs: int) -> sp.csr_array:
    """Exclude the most frequent tokens, so that the remaining tokens have at most `max_pairs` pairs of items."""
    counts = np.bincount(vectors.indices, minlength=vectors.shape[1]).astype(np.int64)
    order = np.argsort(counts, kind="stable")
    kept = order[np.cumsum(counts[order] ** 2) <= max_pairs]
    return vectors if len(kept) == len(counts) else sp.csr_array(vectors[:, np.sort(kept)])
