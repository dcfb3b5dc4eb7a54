"""SASRec's network in numpy, which computes the same as the torch network and the graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Floats, Ints

EPSILON = 1e-5
"""Epsilon of the layer norms. It equals the default of torch."""

NEVER = -1e9
"""Logit of excluded items."""

BATCH_ROWS = 64
"""Number of histories per chunk. Histories of a chunk have similar lengths."""

Arrays = Mapping[str, Floats]


def latest(items: Ints, length: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the latest `length` items of each history, aligned right, and a mask of the items.

    Both have at least one column.
    """
    order = np.argsort(items != 0, axis=1, kind="stable")[:, -length:]
    found = np.take_along_axis(items, order, axis=1)
    used = max(1, int((found != 0).sum(axis=1).max(initial=0)))
    return found[:, -used:], found[:, -used:] != 0


def follows(arrays: Arrays, items: Ints, is_item: npt.NDArray[np.bool_], *, heads: int) -> Floats:
    """Return the predicted vector of the next item, `(batch, size)`.

    Parameters
    ----------
    items, is_item
        See `latest`. Rows of similar length are computed together to reduce padding.
    """
    lengths = is_item.sum(axis=1)
    order = np.argsort(lengths, kind="stable")
    found = np.zeros((len(items), arrays["item.weight"].shape[1]), np.float32)
    for start in range(0, len(order), BATCH_ROWS):
        rows = order[start : start + BATCH_ROWS]
        used = slice(-max(1, int(lengths[rows[-1]])), None)
        found[rows] = _follows(arrays, items[rows, used], is_item[rows, used], heads)
    return found


def softmax(x: Floats) -> Floats:
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    x /= x.sum(axis=-1, keepdims=True)
    return x


def _follows(arrays: Arrays, items: Ints, is_item: npt.NDArray[np.bool_], heads: int) -> Floats:
    place = np.maximum(np.cumsum(is_item, axis=1) - 1, 0)
    x = arrays["item.weight"][items] + arrays["position.weight"][place]
    y = _norm(x, arrays, "norm_attention")
    attention = _linear(_attention(arrays, y, is_item, heads), arrays, "attended")
    x = x[:, -1] + _sigmoid(_linear(x[:, -1], arrays, "gate_attention")) * attention
    up, gate = np.split(_norm(x, arrays, "norm_feed") @ arrays["feed.weight"].T, 2, axis=1)
    fed = (gate * _sigmoid(gate) * up) @ arrays["fed.weight"].T
    return _norm(x + _sigmoid(_linear(x, arrays, "gate_feed")) * fed, arrays, "norm_out")


def _attention(arrays: Arrays, y: Floats, is_item: npt.NDArray[np.bool_], heads: int) -> Floats:
    """Attend from the last position to all positions. `y` is `(batch, length, size)`, the result is `(batch, size)`."""
    batch, length, size = y.shape
    query, key, value = zip(np.split(arrays["attend.weight"], 3), np.split(arrays["attend.bias"], 3), strict=True)
    by_head = (batch, length, heads, size // heads)
    queries = (y[:, -1] @ query[0].T + query[1]).reshape(batch, heads, -1)
    logits = np.einsum("bhs,blhs->bhl", queries, (y @ key[0].T + key[1]).reshape(by_head))
    logits = logits * np.float32((size // heads) ** -0.5) + np.where(is_item, 0, NEVER).astype(np.float32)[:, None]
    values = (y @ value[0].T + value[1]).reshape(by_head)
    attended: Floats = np.einsum("bhl,blhs->bhs", softmax(logits), values).reshape(batch, size)
    return attended


def _linear(x: Floats, arrays: Arrays, name: str) -> Floats:
    result: Floats = x @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"]
    return result


def _norm(x: Floats, arrays: Arrays, name: str) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
    result: Floats = centred / spread * arrays[f"{name}.weight"] + arrays[f"{name}.bias"]
    return result


def _sigmoid(x: Floats) -> Floats:
    return np.float32(1.0) / (np.float32(1.0) + np.exp(-x))
