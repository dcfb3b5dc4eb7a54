"""Log line of a response."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.lake.served import UNKNOWN
from alsolike.privacy.pseudonyms import IdPolicy, Pseudonyms
from alsolike.records.served_response import (
    MAX_REQUEST_CHARACTERS,
    NO_CATALOGUE,
    PAIRED,
    RANKED,
    REQUEST_OMITTED,
    ServedResponse,
)
from alsolike.runtime.observability import count
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.trends.windows import DEFAULT_WINDOW
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.http.response import Answer, RankedItem

_NO_COLUMNS: tuple[tuple[Any, ...], ...] = ((),) * len(RankedItem._fields)

READ_ONCE = Polling(math.inf, retry_s=30)
"""The secret never changes. Every attempt to read it delays a request, so a pause follows a failed attempt."""


class ServedLog:
    """Writer of log lines.

    `pseudonyms` returns the deployment's keyed hash function. It is called until it succeeds once.
    """

    def __init__(self, ids: IdPolicy, pseudonyms: Callable[[], Pseudonyms]) -> None:
        self._ids = ids
        self._hashes: PolledValue[Pseudonyms | None] = PolledValue(
            lambda _: pseudonyms(), name="the secret of the hashes", polling=READ_ONCE, default=None
        )

    def prepare(self, *, now_ms: int) -> Pseudonyms | None:
        """Return the keyed hash function, or None if its secret cannot be read or an attempt has just failed."""
        return self._hashes.current(now_ms=now_ms)

    def write(
        self,
        answer: Answer,
        request: RecommendationRequest,
        *,
        now_ms: int,
        took_ms: float,
        correlation_id: str | None = None,
        agent: str | None = None,
    ) -> None:
        """Write the log line to standard output.

        `now_ms` is the time in the recommendation ID. `agent` is the program that the caller declares in a header; None
        without the header.
        """
        used = answer.used
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
            agent,
            used.catalogue or NO_CATALOGUE,
            request=_parameters(request, items=len(item_ids)),
        )
        line = row.to_line(
            history=[event.event_id for event in used.recent] or None,
            trends=used.counters,
            impressions=[seen.source_id for seen in used.impressions] or None,
        )
        # A single write includes the line end, so that concurrent writes cannot interleave.
        sys.stdout.write(f"{line}\n")

    def _named(self, request: RecommendationRequest, *, now_ms: int) -> tuple[str | None, str | None]:
        """Return the hashes of the request's user and session. Without a user and a session, return None twice.

        If the hash key cannot be read, return `UNKNOWN` and None.
        """
        user_id = request.user_id
        session_id = user_id if request.session_id is None else request.session_id
        if session_id is None:
            return None, None
        hashes = self.prepare(now_ms=now_ms)
        if hashes is None:
            count(Metric.SERVED_TO_UNKNOWN)
            return UNKNOWN, None
        return self._ids.logged(hashes, user_id, session_id)


def _parameters(request: RecommendationRequest, *, items: int) -> str | None:
    """Return parameters without a column in the log as ASCII JSON; None without parameters.

    Items to rank are included only if the response lacks some of them. A text that is too long is replaced by
    `REQUEST_OMITTED`.
    """
    parameters = dict(request.logged)
    if request.alias is not None:
        parameters["campaign"] = request.alias
    if request.filter_name is not None:
        parameters["filter"] = request.filter_name
    if request.window != DEFAULT_WINDOW:
        parameters["window"] = request.window
    if request.words:
        parameters["words"] = request.words
    if request.to_rank is not None and len(request.to_rank) != items:
        parameters["inputList"] = request.to_rank
    if not parameters:
        return None
    text = json.dumps(parameters, separators=(",", ":"))
    return text if len(text) <= MAX_REQUEST_CHARACTERS else REQUEST_OMITTED


def _rounded(score: float | None) -> float | None:
    """Round a score to four significant digits, because CloudWatch Logs bills bytes."""
    return None if score is None else float(f"{score:.4g}")
