"""Recommendations for many users."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from operations.batch.batch_client import BatchClient
from operations.batch.table import RecommendationFile
from operations.batch.user_ids import FailedUsers, UserId, UserIds
from operations.concurrent_map import in_order
from operations.progress import Step, counted

BATCH_USERS = 500
BATCH_ITEMS = 25_000
"""Maximum number of items per invocation. Lambda limits a response to 6 MB."""


@dataclasses.dataclass(frozen=True, slots=True)
class BatchSummary:
    users: int
    failed: int
    items: int
    seconds: float
    sources: Mapping[str, int]
    degraded: Mapping[str, int]

    @property
    def users_per_s(self) -> float:
        return self.users / max(self.seconds, 1e-9)


def recommend_to(
    ids: UserIds,
    client: BatchClient,
    file: RecommendationFile,
    failed: FailedUsers,
    *,
    k: int,
    parallel: int,
    step: Step,
) -> BatchSummary:
    """Request recommendations for all users. Write them, and failed users, in input order."""
    started = time.perf_counter()
    users = items = 0
    sources, degraded = Counter[str](), Counter[str]()
    size = max(min(BATCH_USERS, BATCH_ITEMS // k), 1)
    try:
        for chunk, results in in_order(
            _chunks(ids.read(step.reach), size), functools.partial(_answers, client), parallel=parallel
        ):
            for user, result in zip(chunk, results, strict=True):
                if "error" in result:
                    failed.add(user, result["error"])
                    continue
                items += file.add(result)
                sources[result["source"]] += 1
                degraded.update(result.get("degraded", ()))
            users += len(chunk)
            step.note(counted(users, "user") + (f", {failed.count:,} failed" if failed.count else ""))
    finally:
        client.stop()
    return BatchSummary(users, failed.count, items, time.perf_counter() - started, dict(sources), dict(degraded))


def failed_path(name: str, output: Path) -> Path:
    """Return the path of the file of failed users. It is next to a local input, or else next to the output."""
    local = Path(name).is_file()
    neighbour = Path(name) if local else output
    return neighbour.with_name(f"{neighbour.name}.failed.csv")


def _chunks(ids: Iterable[UserId], size: int) -> Iterator[list[UserId]]:
    rest = iter(ids)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk


def _answers(client: BatchClient, chunk: list[UserId]) -> list[dict[str, Any]]:
    answered = iter(client.recommend([user.text for user in chunk if user.fault is None]))
    return [next(answered) if user.fault is None else {"error": user.fault} for user in chunk]
