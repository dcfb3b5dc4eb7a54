"""Forecast of a draft of the configuration from logged responses."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.declarations.times import DAY_MS
from alsolike.recommendations.recommend_invocations import lists_of_requests
from alsolike.recommendations.request_fields import PERSONALIZED_RANKING
from alsolike.records.served_response import PAIRED, REQUEST_OMITTED
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.snapshot import Snapshot
from alsolike.training.dataset import MAX_PLACES
from operations import progress
from operations.explanation.unlogged_parameters import history_parameter, logged_parameters
from operations.forecast.inputs import ForecastInputs
from operations.forecast.logged import LoggedResponse, logged_responses
from operations.forecast.off_policy import CLICKS, NO_ITEM, Forecast, LoggedLists, forecast

CERTAIN = 1.0
MARGIN = "margin"
_REQUESTS_A_CALL = 50


@dataclasses.dataclass(frozen=True, slots=True)
class DraftForecast:
    """Forecast of a draft for the responses of a recommender.

    `skipped` is the number of logged requests that cannot be answered again, by reason. `swaps` is the share of the
    responses with neighbours in random order, by the live configuration.
    """

    recommender: str
    days: int
    forecast: Forecast
    skipped: Mapping[str, int]
    swaps: float

    def document(self) -> dict[str, Any]:
        figures = dataclasses.asdict(self.forecast)
        for outcome in figures["outcomes"]:
            for name in ("present", "draft", "difference", "self_normalised"):
                if outcome[name] is not None:
                    outcome[name] = dict(zip(("value", "low", "high"), outcome[name], strict=True))
        return {"recommender": self.recommender, "days": self.days, "skipped": dict(self.skipped), **figures}


def forecast_draft(
    inputs: ForecastInputs,
    document: Mapping[str, Any] | None,
    *,
    model: str | None = None,
    recommender: str,
    days: int,
    maximum: int,
    now_ms: int,
) -> DraftForecast:
    """Forecast the outcomes of a draft from the responses of the last days.

    None for `document` is the live configuration. The draft's lists use `model`, the version of a canary or of a
    running experiment, in place of the champion.
    """
    if recommender == PERSONALIZED_RANKING:
        raise InvalidInput(f"recommender is {recommender!r}, expected a recommender that selects items")
    if inputs.has_hashed_ids:
        raise InvalidInput("the deployment stores hashes of user IDs, so requests of the log cannot be answered again")
    configuration = inputs.configuration
    if recommender not in configuration.recommenders:
        known = ", ".join(sorted(configuration.recommenders))
        raise InvalidInput(f"recommender is {recommender!r}, expected one of {known}")
    responses = logged_responses(
        inputs,
        recommender=recommender,
        first_ms=now_ms - days * DAY_MS,
        last_ms=now_ms,
        maximum=maximum,
    )
    if not responses:
        raise InvalidInput(
            f"the log has no responses of {recommender!r} to users in the last {progress.counted(days, 'day')}; "
            "use another recommender or more days"
        )
    change = {"configuration": None if document is None else dict(document), "model": model}
    change = {name: value for name, value in change.items() if value is not None}
    answered, lists, skipped = _lists(inputs, responses, change)
    margins = _margins(inputs.catalogue)
    codes: dict[str, int] = {}
    log = _log(answered, codes, margins)
    present, draft = (_padded([each[name] for each in lists], codes) for name in ("present", "draft"))
    return DraftForecast(
        recommender,
        days,
        forecast(log, present=present, draft=draft),
        skipped,
        configuration.recommenders[recommender].swaps,
    )


def _lists(
    inputs: ForecastInputs, responses: Sequence[LoggedResponse], change: Mapping[str, Any]
) -> tuple[list[LoggedResponse], list[dict[str, Any]], Counter[str]]:
    """Return the responses with repeatable requests, their lists without and with the draft, and the number of other
    responses by reason.
    """
    reasons = [_lacking(each) for each in responses]
    skipped = Counter(reason for reason in reasons if reason is not None)
    complete = [each for each, reason in zip(responses, reasons, strict=True) if reason is None]
    answered, lists = [], []
    with progress.step("lists of the draft", total=len(complete)) as step:
        for start in range(0, len(complete), _REQUESTS_A_CALL):
            part = complete[start : start + _REQUESTS_A_CALL]
            requests = {**change, "requests": [_request(each) for each in part]}
            answers = lists_of_requests(inputs.lambda_, inputs.recommend_function, requests)
            for response, found in zip(part, answers, strict=True):
                if reason := found.get("refused") or ", ".join(found["degraded"]):
                    skipped[reason] += 1
                else:
                    answered.append(response)
                    lists.append(found)
            step.advance(len(part))
    return answered, lists, skipped


def _lacking(response: LoggedResponse) -> str | None:
    if response.row.catalogue is None:
        return "logged by an earlier version"
    if response.row.request == REQUEST_OMITTED:
        return "parameters too long for the log"
    if response.history is None:
        return "the lake has no interactions with the logged hash"
    return None


def _request(response: LoggedResponse) -> dict[str, Any]:
    row = response.row
    request = {
        "nowMs": row.served_ms,
        "recommender": row.recommender,
        "numResults": min(max(row.asked, 1), MAX_PLACES),
        "userId": response.user_id,
        "itemId": row.page_item,
        "filter": orjson.loads(row.request or "{}").get("filter"),
        "history": history_parameter(response.history or ()),
        **logged_parameters(row),
    }
    return {name: value for name, value in request.items() if value is not None}


def _margins(catalogue: Snapshot) -> dict[str, float]:
    return {
        item_id: float(properties[MARGIN])
        for item_id, properties in catalogue.items()
        if isinstance(properties.get(MARGIN), int | float)
    }


def _log(responses: Sequence[LoggedResponse], codes: dict[str, int], margins: Mapping[str, float]) -> LoggedLists:
    owners = [each.row.shopper or each.row.session for each in responses]
    users = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
    items = _padded([each.row.item_ids for each in responses], codes)
    pairs = np.zeros(items.shape, np.bool_)
    names = (CLICKS, "purchases", "revenue", *([MARGIN] if margins else []))
    outcomes = {name: np.zeros(items.shape) for name in names}
    for number, each in enumerate(responses):
        placed = zip(each.row.item_ids[:MAX_PLACES], each.row.origins, each.row.propensities, strict=False)
        for place, (item_id, origin, propensity) in enumerate(placed):
            pairs[number, place] = origin == PAIRED and propensity is not None and propensity < CERTAIN
            outcomes[CLICKS][number, place] = item_id in each.clicks
            outcomes["purchases"][number, place] = item_id in each.purchases
            outcomes["revenue"][number, place] = each.revenue.get(item_id, 0.0)
            if margins and item_id in each.purchases:
                outcomes[MARGIN][number, place] = margins.get(item_id, 0.0)
    pairs[:, -1:] = False  # The second item of the pair may be beyond `MAX_PLACES`.
    return LoggedLists(np.array([users[owner] for owner in owners], np.int64), items, pairs, outcomes)


def _padded(lists: Sequence[Sequence[str]], codes: dict[str, int]) -> npt.NDArray[np.int64]:
    width = min(max(map(len, lists), default=0), MAX_PLACES)
    found = np.full((len(lists), width), NO_ITEM, np.int64)
    for row, item_ids in enumerate(lists):
        for place, item_id in enumerate(itertools.islice(item_ids, width)):
            found[row, place] = codes.setdefault(item_id, len(codes))
    return found
