"""Parity check: comparison of exported graphs with their model, per history and in order.

Let r be the model's score of an item (-inf if it is excluded), s the score from the graph, and t the smaller of
`TOLERANCE` * max(1, r) and `TOLERANCE_OF_BEST` * the highest score of the history. A graph is correct if

- s > 0 and |s - r| <= t for every returned item;
- s never increases, and positions increase among equal s;
- no returned item is before a returned item whose r is higher by more than t;
- every missing item has r <= l + t, where l is the last s, or 0 if the list is shorter than k, and t is computed from l
  instead of r.

Therefore, the order equals the model's order, up to the rounding error of float32 sums in another order.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE
from alsolike.runtime.errors import AlsolikeError
from model_export.api import Model
from model_export.data.chunks import chunks
from model_export.data.interactions import Floats, Histories, Ints
from model_export.evaluation import ranking
from model_export.evaluation.splits import Queries
from model_export.export.writer import open_session, recommend, write_graphs

TOLERANCE = 1e-5
TOLERANCE_OF_BEST = 1e-4
"""Tolerance relative to the best score. It matters for models with only small scores, such as shares of a million
items.
"""

PARITY_K = 100

BATCH_BYTES = 32 << 20
"""Maximum size of a chunk in bytes. It suffices for several histories of up to four million items, because
explanations also run graphs with several histories.
"""

FEW = 16
"""Number of histories that are also checked with only one item, and with scattered padding."""

SCARCE = 10_000
"""The strictest bias allows one of this many items."""


class ParityError(AlsolikeError):
    """Error for an exported graph whose ranking differs from the model's ranking."""


@dataclasses.dataclass(frozen=True, slots=True)
class Parity:
    """Result of a parity check.

    Attributes
    ----------
    histories
        Number of compared histories.
    k
        Length of the compared lists.
    largest_difference
        Largest difference of a returned score, relative to max(1, r).
    """

    histories: int
    k: int
    largest_difference: float


def check_parity(model: Model, directory: Path, histories: Histories, *, k: int = PARITY_K) -> Parity:
    """Compare both graphs with the model, in chunks with bounded memory.

    The graph without bias is compared without exclusions, and with the items of the history excluded. The graph with
    bias is compared with half of the items excluded, and with almost all items excluded. Short histories, histories
    with scattered padding and an empty history are added. One history is compared with all items excluded.
    """
    histories = _with_edge_cases(histories)
    k = min(k, model.items)
    name = model.settings.name
    plain, biased = (_Checked(name, directory / file, k) for file in (GRAPH_FILE, BIAS_GRAPH_FILE))
    half, scarce = _biases(model.items)
    length = histories.items.shape[1]
    for rows in chunks(len(histories), items=model.items, length=length, pairs=True, max_bytes=BATCH_BYTES):
        chunk = histories.rows(rows)
        scores = model.score(chunk)
        nothing = np.zeros((len(chunk), 0), np.int64)
        plain.check(chunk, scores, exclude=nothing)
        plain.check(chunk, scores, exclude=chunk.items)
        biased.check(chunk, scores, exclude=chunk.items, bias=half)
        biased.check(chunk, scores, exclude=nothing, bias=scarce)
    one = histories.rows(slice(1))
    plain.check(one, model.score(one), exclude=np.arange(1, model.items + 1)[None, :])
    largest = max(plain.largest_difference, biased.largest_difference)
    return Parity(histories=len(histories), k=k, largest_difference=largest)


def check_export(model: Model, queries: Queries) -> None:
    """Write the graphs of a model to a temporary folder and check them on a few queries.

    An exception of the export becomes a `ParityError` with the algorithm's name.
    """
    few = ranking.histories(queries.sample(FEW), half_life_days=model.settings.half_life_days)
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_graphs(model, Path(folder))
            check_parity(model, Path(folder), few)
        except ParityError:
            raise
        except Exception as error:
            raise ParityError(f"{model.settings.name}: its graph fails: {type(error).__name__}: {error}") from error


class _Checked:
    def __init__(self, algorithm: str, path: Path, k: int) -> None:
        self._name, self._session, self._k = f"{algorithm}: {path.name}", open_session(path), k
        self.largest_difference = 0.0

    def check(self, histories: Histories, scores: Floats, *, exclude: Ints, bias: Floats | None = None) -> None:
        """Compare the graph's lists for `histories` with the model's `scores`.

        `exclude` contains positions of excluded items, and `bias` is 0 for allowed and -inf for excluded items.
        """
        expected = scores + bias if bias is not None else scores.copy()
        np.put_along_axis(expected, exclude, -np.inf, axis=1)
        expected[:, 0] = -np.inf
        maximum = np.float32(TOLERANCE_OF_BEST) * scores.max(axis=1, keepdims=True)
        items, found = recommend(self._session, histories, exclude=exclude, k=self._k, bias=bias)
        self._check_order(items, found, expected)
        self._check_scores(items, found, expected, maximum)
        self._check_missing(items, found, expected, maximum)

    def _check_order(self, items: Ints, found: Floats, expected: Floats) -> None:
        ended = items == 0
        self._refuse(ended != (found == -np.inf), "has a score without an item", items, found, expected)
        self._refuse(~ended & ~(found > 0), "goes on where the model knows nothing", items, found, expected)
        earlier, later = found[:, :-1], found[:, 1:]
        wrong = (later > earlier) | ((later == earlier) & (items[:, 1:] <= items[:, :-1]) & ~ended[:, 1:])
        self._refuse(np.pad(wrong, ((0, 0), (1, 0))), "is not sorted by score, then position", items, found, expected)

    def _check_scores(self, items: Ints, found: Floats, expected: Floats, maximum: Floats) -> None:
        answers = items > 0
        wanted = np.take_along_axis(expected, items, axis=1)
        size = np.maximum(wanted, 1.0)
        tolerance = np.minimum(TOLERANCE * size, maximum)
        with np.errstate(invalid="ignore"):  # both sides are -inf after the end of a list
            difference = np.where(answers, np.abs(found - wanted), 0.0)
            best_after = np.maximum.accumulate(wanted[:, ::-1], axis=1)[:, ::-1]
            late = answers & (best_after - wanted > tolerance)
        self._refuse(~(difference <= tolerance), "differs from the model", items, found, expected)
        self._refuse(late, "has another order than the model", items, found, expected)
        self.largest_difference = max(self.largest_difference, float((difference / size).max(initial=0.0)))

    def _check_missing(self, items: Ints, found: Floats, expected: Floats, maximum: Floats) -> None:
        last = np.where(items[:, -1:] > 0, found[:, -1:], 0.0)
        missing = expected > last + np.minimum(TOLERANCE * np.maximum(last, 1.0), maximum)
        np.put_along_axis(missing, items, values=False, axis=1)
        for row, item in np.argwhere(missing)[:1].tolist():
            score, end = expected[row, item], last[row, 0]
            raise ParityError(f"{self._name} leaves out item {item} of score {score:.7g}, and ends at {end:.7g}")

    def _refuse(self, wrong: npt.NDArray[np.bool_], problem: str, items: Ints, found: Floats, expected: Floats) -> None:
        if wrong.any():
            row, place = (int(index[0]) for index in np.nonzero(wrong))
            item = int(items[row, place])
            raise ParityError(
                f"{self._name} {problem}: item {item} at rank {place + 1} has score {found[row, place]:.7g}, "
                f"expected {expected[row, item]:.7g}; {int(wrong.sum())} places are wrong"
            )


def _with_edge_cases(histories: Histories) -> Histories:
    every = np.arange(len(histories))
    few = every[:FEW]
    short, scattered = histories.items[few], histories.items[few]
    short[:, :-1] = 0
    scattered[np.random.default_rng(0).random(scattered.shape) < 0.5] = 0
    empty = np.zeros_like(histories.items[:1])
    return dataclasses.replace(
        histories.rows(np.concatenate([every, few, few, every[:1]])),
        items=np.concatenate([histories.items, short, scattered, empty]),
    )


def _biases(items: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    half = np.where(rng.random(items + 1) < 0.5, 0.0, -np.inf).astype(np.float32)
    scarce = np.full(items + 1, -np.inf, np.float32)
    scarce[rng.choice(items, max(1, items // SCARCE), replace=False) + 1] = 0.0
    return half, scarce
