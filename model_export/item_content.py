"""Items as vectors of what their columns say: TF-IDF over the tokens of `alsolike.item_tokens`.

References
----------
G. Salton, C. Buckley, "Term-weighting approaches in automatic text retrieval", Information Processing & Management
1988: binary term frequency, inverse document frequency, vectors of length 1.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from alsolike.item_tokens import item_tokens
from model_export.interactions import Floats


@dataclasses.dataclass(frozen=True, slots=True)
class ItemContent:
    """The items' vectors and what their columns mean.

    Attributes
    ----------
    tokens
        The tokens that at least two items and not all of them have, in alphabetical order.
    idf
        float32 `(tokens,)`, log(items / items that have the token).
    vectors
        float32 `(items + 1, tokens)`, rows of length 1, or 0 for an item without such tokens; row 0 is empty.
    """

    tokens: Sequence[str]
    idf: Floats
    vectors: sp.csr_array


def item_content(properties: Sequence[Mapping[str, Any]]) -> ItemContent:
    """Return the vectors of items at positions 1..len(properties)."""
    of_items = [item_tokens(columns) for columns in properties]
    counts = Counter(token for tokens in of_items for token in tokens)
    tokens = sorted(token for token, count in counts.items() if 1 < count < len(properties))
    number = {token: index for index, token in enumerate(tokens)}
    idf = np.log(len(properties) / np.array([counts[token] for token in tokens])).astype(np.float32)
    columns = [[number[token] for token in tokens if token in number] for tokens in of_items]
    lengths = [0, *map(len, columns)]
    indices = np.array([column for row in columns for column in sorted(row)], np.int32)
    data = idf[indices]
    vectors = sp.csr_array((data, indices, np.cumsum([0, *lengths])), shape=(len(properties) + 1, len(tokens)))
    norms = np.sqrt(vectors.multiply(vectors).sum(axis=1))
    vectors.data /= np.repeat(norms, np.diff(vectors.indptr))
    return ItemContent(tokens=tokens, idf=idf, vectors=vectors)
