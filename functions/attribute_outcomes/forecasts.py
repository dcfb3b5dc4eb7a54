"""Forecast of a draft or of a canary, with a record of its progress and result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from alsolike.experiments.forecasts import DAYS, DONE, FAILED, RESPONSES, Forecasts, running
from alsolike.runtime.errors import AlsolikeError
from alsolike.runtime.observability import logger
from operations import progress
from operations.forecast.draft_forecast import forecast_draft
from operations.forecast.inputs import ForecastInputs

WRITE_EVERY_S = 3.0


def run_forecast(
    request: dict[str, Any], forecasts: Forecasts, *, inputs: Callable[[], ForecastInputs], now_ms: int
) -> dict[str, Any]:
    """Compute a forecast, store its record, and return the forecast's `state`.

    Lambda repeats a call that ended without a response. The repeated call stores the failure.
    """
    forecast_id = request["id"]
    record = forecasts.read(forecast_id, now_ms=now_ms) or running(now_ms=now_ms)
    if record["step"] is not None:
        reason = "the function ended before the forecast, for lack of time or memory; use `alsolike rules forecast`"
        record |= {"state": FAILED, "reason": reason}
    else:
        record |= _outcome(request, _Progress(forecasts, forecast_id, record), inputs=inputs, now_ms=now_ms)
    forecasts.write(forecast_id, record)
    logger.info("forecast ended", forecast=forecast_id, state=record["state"], reason=record["reason"])
    return {"state": record["state"]}


def _outcome(
    request: dict[str, Any], listener: _Progress, *, inputs: Callable[[], ForecastInputs], now_ms: int
) -> dict[str, Any]:
    try:
        with progress.reported_to(listener):
            forecast = forecast_draft(
                inputs(),
                request.get("configuration"),
                model=request.get("model"),
                recommender=request["recommender"],
                days=DAYS,
                maximum=RESPONSES,
                now_ms=now_ms,
            )
    except AlsolikeError as error:
        return {"state": FAILED, "reason": str(error)}
    return {"state": DONE, "forecast": forecast.document()}


class _Progress(progress.Step):
    """Writer of the current step and its completed share to the record of a forecast."""

    def __init__(self, forecasts: Forecasts, forecast_id: str, record: dict[str, Any]) -> None:
        self._forecasts, self._id, self._record = forecasts, forecast_id, record
        self._done, self._total, self._written_s = 0.0, 0.0, -WRITE_EVERY_S

    @contextlib.contextmanager
    def step(self, description: str, *, total: float | None = None) -> Iterator[progress.Step]:
        self._record["step"], self._done, self._total = description, 0.0, total or 0.0
        self._write()
        yield self

    def advance(self, amount: float = 1) -> None:
        self._done += amount
        self._write()

    def _write(self) -> None:
        if time.monotonic() - self._written_s < WRITE_EVERY_S:
            return
        share = min(self._done / self._total, 1.0) if self._total else None
        self._forecasts.write(self._id, self._record | {"share": share})
        self._written_s = time.monotonic()
