"""The log line of an answer; a subscription delivers it to the lake's table `served`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from alsolike.lake.served import UNKNOWN
from alsolike.privacy.pseudonyms import IdPolicy, Pseudonyms
from alsolike.records.served_response import PAIRED, RANKED, ServedResponse
from alsolike.runtime.observability import Metric, count
from alsolike.runtime.polling import PolledValue, Polling
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.http.response import Answer, RankedItem

_NO_COLUMNS: tuple[tuple[Any, ...], ...] = ((),) * len(RankedItem._fields)

READ_ONCE = Polling(math.inf, retry_s=30)
"""The secret never changes. A request waits for each attempt to read it, so a failed one is followed by a pause."""


class ServedLog:
    """Writer of the lines.

    Parameters
    ----------
    ids
        Rule for the ids that are stored.
    pseudonyms
        Returns the deployment's hashes; called once.
    """

    def __init__(self, ids: IdPolicy, pseudonyms: Callable[[], Pseudonyms]) -> None:
        self._ids = ids
        self._hashes: PolledValue[Pseudonyms | None] = PolledValue(
            lambda _: pseudonyms(), name="the secret of the hashes", polling=READ_ONCE, default=None
        )

    def prepare(self, *, now_ms: int) -> Pseudonyms | None:
        """Return the hashes; None if their secret cannot be read or an attempt failed a moment ago."""
        return self._hashes.current(now_ms=now_ms)

    def write(
        self,
        answer: Answer,
        request: RecommendationRequest,
        *,
        now_ms: int,
        took_ms: float,
        correlation_id: str | None = None,
    ) -> None:
        """Write the line of an answer to standard output.

        Parameters
        ----------
        now_ms
            When it was answered, as its recommendation id says.
        took_ms
            How long that took.
        correlation_id
            Of the request.
        """
        shopper, session = self._named(request, now_ms=now_ms)
        item_ids, scores, origins, propensities, *_ = zip(*answer.items, strict=True) if answer.items else _NO_COLUMNS
        row = ServedResponse(
            answer.recommendation_id,
            now_ms,
            answer.recommender,
            answer.version,
            tuple(answer.arms),
            shopper,
            session,
            answer.source,
            tuple(answer.degraded),
            answer.configuration,
            answer.rules,
            answer.filter,
            request.item_id,
            request.num_results,
            item_ids,
            origins,
            propensities,
            round(took_ms, 3),
            max(
                [score for score, origin in zip(scores, origins, strict=True) if origin in (RANKED, PAIRED)],
                default=None,
            ),
            correlation_id,
            None if answer.model_scores is None else tuple(map(_rounded, answer.model_scores)),
            request.device,
        )
        # Its end in the same write: what others write at the same time must not come between.
        sys.stdout.write(f"{row.to_line()}\n")

    def _named(self, request: RecommendationRequest, *, now_ms: int) -> tuple[str | None, str | None]:
        """Return the hashes of the request's user and session; `RequestUser` says which id may be both."""
        user_id = request.user_id
        session_id = user_id if request.session_id is None else request.session_id
        if session_id is None:
            return None, None
        hashes = self.prepare(now_ms=now_ms)
        if hashes is None:
            count(Metric.SERVED_TO_UNKNOWN)
            return UNKNOWN, None
        return self._ids.logged(hashes, user_id, session_id)


def _rounded(score: float | None) -> float | None:
    """Return a score with four digits: a log is billed by its bytes."""
    return None if score is None else float(f"{score:.4g}")
