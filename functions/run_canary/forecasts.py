"""Forecast of a candidate's clicks from responses before the first evaluation of its canary.

The forecast is the doubly robust estimate of `alsolike rules forecast --model`. It compares the champion's lists with
the candidate's lists for logged requests of any user, while the canary compares real outcomes of few users.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.configuration.configuration import Configuration
from alsolike.experiments.forecasts import FAILED, RECOMMENDER, RUNNING, ForecastRequest, Forecasts
from alsolike.registry.canary import Canary
from alsolike.runtime.client_protocols import LambdaClient
from alsolike.runtime.errors import AlsolikeError

TOLERATED_FALL = 0.05
"""Tolerated relative fall of clicks. A forecast rejects a candidate if every value of its interval is a greater
fall."""

CLICKS = "clicks"
_UNKNOWN = "forecast: not enough evidence"


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of a forecast.

    `breached` is true if all values of the interval are a relative fall of more than `TOLERATED_FALL`. `figures` is
    empty without a forecast.
    """

    sentence: str
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    breached: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class CandidateForecast:
    forecasts: Forecasts
    lambda_: LambdaClient
    function: str
    configuration: Callable[[], Configuration]

    def evidence(self, canary: Canary, *, now_ms: int) -> Evidence:
        """Return the state or result of a canary's forecast. The first call starts the forecast.

        If `swaps` of the recommender is 0, no forecast is started. A failure is no evidence, because the canary itself
        does not need the forecast.
        """
        try:
            return self._evidence(canary, now_ms=now_ms)
        except AlsolikeError as error:
            return Evidence(f"{_UNKNOWN}: {error}")

    def _evidence(self, canary: Canary, *, now_ms: int) -> Evidence:
        forecast_id = f"canary-{canary.version}-{canary.started_ms}"
        record = self.forecasts.read(forecast_id, now_ms=now_ms)
        if record is None:
            recommender = self.configuration().recommenders.get(RECOMMENDER)
            if recommender is None or not recommender.swaps:
                return Evidence(f"{_UNKNOWN}: recommenders.{RECOMMENDER}.swaps is 0, so no order is random")
            request = ForecastRequest(RECOMMENDER, model=canary.version)
            record = self.forecasts.start(self.lambda_, self.function, request, forecast_id=forecast_id, now_ms=now_ms)
        if record["state"] == RUNNING:
            return Evidence("forecast: it is being computed")
        if record["state"] == FAILED:
            return Evidence(f"{_UNKNOWN}: {record['reason']}")
        return evidence_of(record["forecast"])


def evidence_of(forecast: Mapping[str, Any]) -> Evidence:
    """Return the evidence about clicks in a forecast's document (`DraftForecast.document`)."""
    (clicks,) = [outcome for outcome in forecast["outcomes"] if outcome["name"] == CLICKS]
    if clicks["missing"] is not None:
        return Evidence(f"forecast: {clicks['missing']}", forecast)
    present, difference = clicks["present"]["value"], clicks["difference"]
    if present <= 0:
        return Evidence(f"{_UNKNOWN}: no clicks are expected from the champion", forecast)
    value, low, high = (difference[name] / present for name in ("value", "low", "high"))
    sentence = (
        f"forecast: {value:+.1%} clicks compared with the champion ({low:+.1%} to {high:+.1%}, "
        f"{forecast['responses']:,} responses, support {forecast['support']:.1%}); a fall of {TOLERATED_FALL:.0%} is "
        "tolerated"
    )
    return Evidence(sentence, forecast, breached=high < -TOLERATED_FALL)
