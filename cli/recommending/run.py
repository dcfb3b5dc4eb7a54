"""Recommendations for many users, from the input to the file: chunk by chunk in order, several asked for at a time."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cli.console import Step
from cli.recommending.asking import Asker
from cli.recommending.failed import FailedUsers
from cli.recommending.table import RecommendationFile
from cli.recommending.user_ids import UserId, UserIds

USERS_AT_ONCE = 500
ITEMS_AT_ONCE = 25_000
"""Of one invocation, which answers 6 MB at most."""
_AHEAD = 2
"""Chunks that are asked for or wait to be written, by the number that is asked for at a time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What came of it.

    Attributes
    ----------
    users
        Whom the input names.
    failed
        Those without an answer.
    sources
        Answers by where they are from.
    degraded
        Answers that are less than they should be, by reason.
    """

    users: int
    failed: int
    items: int
    seconds: float
    sources: Mapping[str, int]
    degraded: Mapping[str, int]

    @property
    def users_per_s(self) -> float:
        """Users a second."""
        return self.users / max(self.seconds, 1e-9)


def recommend_to(
    ids: UserIds, asker: Asker, file: RecommendationFile, failed: FailedUsers, *, k: int, parallel: int, step: Step
) -> Summary:
    """Write everybody's recommendations, in the order of the input.

    Raises
    ------
    InvalidInput, NotFound, Unavailable
        See `UserIds.read` and `Asker.ask`.
    """
    started = time.perf_counter()
    users = items = 0
    sources, degraded = Counter[str](), Counter[str]()
    size = max(min(USERS_AT_ONCE, ITEMS_AT_ONCE // k), 1)
    for chunk, results in _asked(_chunks(ids.read(step.reach), size), asker, parallel=parallel):
        for user, result in zip(chunk, results, strict=True):
            if "error" in result:
                failed.add(user, result["error"])
                continue
            items += file.add(result)
            sources[result["source"]] += 1
            degraded.update(result.get("degraded", ()))
        users += len(chunk)
        step.note(f"{users:,} users" + (f", {failed.count:,} failed" if failed.count else ""))
    return Summary(users, failed.count, items, time.perf_counter() - started, dict(sources), dict(degraded))


def failed_path(name: str, output: Path) -> Path:
    """Return where the users without an answer go: beside a local input, else beside the output."""
    local = Path(name).is_file()
    beside = Path(name) if local else output
    return beside.with_name(f"{beside.name}.failed.csv")


def _chunks(ids: Iterable[UserId], size: int) -> Iterator[list[UserId]]:
    rest = iter(ids)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk


def _asked(
    chunks: Iterator[list[UserId]], asker: Asker, *, parallel: int
) -> Iterator[tuple[list[UserId], list[dict[str, Any]]]]:
    """Yield each chunk with its results, in order; no more are read than are soon asked for."""
    waiting = deque[tuple[list[UserId], Future[list[dict[str, Any]]]]]()
    pool = ThreadPoolExecutor(parallel, "recommend")
    try:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(_answers, chunk, asker)))
            if len(waiting) >= parallel * _AHEAD:
                asked, future = waiting.popleft()
                yield asked, future.result()
        for asked, future in waiting:
            yield asked, future.result()
    finally:
        asker.stop()
        pool.shutdown(wait=False, cancel_futures=True)


def _answers(chunk: list[UserId], asker: Asker) -> list[dict[str, Any]]:
    answered = iter(asker.ask([user.text for user in chunk if user.fault is None]))
    return [next(answered) if user.fault is None else {"error": user.fault} for user in chunk]
