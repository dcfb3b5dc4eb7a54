"""Routes of the rule editor."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from alsolike.api.documents import fields_of
from alsolike.api.operate_requests import (
    CHECK_RULES,
    FORECAST_RULES,
    PREVIEW,
    PUBLISH_RULES,
    RULE_HISTORY_QUERY,
    RULES_QUERY,
)
from alsolike.api.path_ids import path_id
from alsolike.configuration_document.reader import Current
from alsolike.declarations.shared_defaults import DEFAULT_LISTED_RULE_CHANGES
from alsolike.experiments.forecasts import ForecastRequest, Forecasts
from alsolike.recommendations.recommend_invocations import ask, catalogue_warnings
from alsolike.recommendations.request_fields import LISTING
from alsolike.runtime.client_protocols import LambdaClient
from alsolike.runtime.errors import NotFound
from alsolike.schema.document import Fault, dotted
from alsolike.schema.validation import describe
from functions.operate.request import OperatorRequest
from operations.configuration import rule_drafts
from operations.configuration.configuration_versions import ConfigurationStore

_ID = re.compile("[0-9a-f]{32}")


class Rules:
    """Rules of the configuration, and drafts of rules; see `operations.configuration.rule_drafts`."""

    def __init__(
        self,
        store: ConfigurationStore,
        *,
        lambda_: LambdaClient,
        recommend_function: str,
        forecasts: Forecasts,
        forecast_function: str,
    ) -> None:
        self._store, self._lambda, self._recommend_function = store, lambda_, recommend_function
        self._forecasts, self._forecast_function = forecasts, forecast_function

    def show(self, request: OperatorRequest) -> dict[str, Any]:
        """Return the rules of the live or an earlier version."""
        current = self._store.current()
        version = request.query(RULES_QUERY).get("version", current.version)
        configuration = current.configuration()
        arms = {name: configuration.arms_with(name, now_ms=request.now_ms) for name in configuration.rules}
        return {
            "version": version,
            "draft": rule_drafts.draft_of(self._document(current, version)),
            "recommenders": list(LISTING),
            "columns": dict(configuration.item_columns),
            "arms": {name: labels for name, labels in arms.items() if labels},
            "readOnly": request.read_only,
        }

    def history(self, request: OperatorRequest) -> dict[str, Any]:
        limit = request.query(RULE_HISTORY_QUERY).get("limit", DEFAULT_LISTED_RULE_CHANGES)
        return {
            "versions": [
                {
                    **fields_of(entry.version, "version", "applied_ms", "by", "reason"),
                    "previous": entry.previous,
                    "changes": _changes(entry.changes),
                }
                for entry in rule_drafts.history(self._store, limit=limit)
            ]
        }

    def check(self, request: OperatorRequest) -> dict[str, Any]:
        """Return errors, warnings and changes of a draft, and changes of the live rules since the draft's version."""
        body = request.body(CHECK_RULES)
        current, draft = self._store.current(), body["draft"]
        checked = rule_drafts.check(current, draft, now_ms=request.now_ms)
        warnings = list(checked.warnings)
        if not checked.errors:
            document = rule_drafts.with_draft(current.document, draft)
            warnings += catalogue_warnings(self._lambda, self._recommend_function, document)
        base = self._document(current, body["version"])
        return {
            "version": current.version,
            "errors": _faults(checked.errors),
            "warnings": _faults(warnings),
            "changes": _changes(rule_drafts.changes(current.document, draft)),
            "meanwhile": _changes(rule_drafts.changes(base, current.document)),
        }

    def publish(self, request: OperatorRequest) -> dict[str, Any]:
        """Publish a draft. Raise `ConcurrentUpdate` if the draft's version is not live any more."""
        body = request.body(PUBLISH_RULES)
        published = rule_drafts.publish(
            self._store,
            body["draft"],
            version=body["version"],
            by=request.signed(None),
            reason=body["reason"],
            now_ms=request.now_ms,
        )
        request.note("publish rules", version=published.version)
        return {"version": published.version}

    def preview(self, request: OperatorRequest) -> dict[str, Any]:
        """Return recommendations before and after a change of the rules, for example a draft."""
        fields = request.body(PREVIEW)
        draft = fields.pop("draft", None)
        if draft is not None:
            fields["configuration"] = rule_drafts.with_draft(self._store.current().document, draft)
        return ask(self._lambda, self._recommend_function, fields)

    def start_forecast(self, request: OperatorRequest) -> dict[str, Any]:
        """Start a forecast of a draft, which takes longer than the API waits. Return the forecast's ID."""
        body = request.body(FORECAST_RULES)
        document = rule_drafts.with_draft(self._store.current().document, body["draft"])
        change = ForecastRequest(body["recommender"], document)
        forecast_id = change.forecast_id(now_ms=request.now_ms)
        self._forecasts.start(
            self._lambda, self._forecast_function, change, forecast_id=forecast_id, now_ms=request.now_ms
        )
        return {"forecastId": forecast_id}

    def forecast(self, request: OperatorRequest) -> dict[str, Any]:
        forecast_id = path_id(request.event, "forecastId")
        record = self._forecasts.read(forecast_id, now_ms=request.now_ms) if _ID.fullmatch(forecast_id) else None
        if record is None:
            raise NotFound(
                f"there is no forecast {describe(forecast_id)}; start it with POST /operator/rules/forecasts"
            )
        return record

    def _document(self, current: Current, version: int) -> Any:
        return current.document if version == current.version else self._store.version(version).document


def _faults(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [{"path": dotted(fault.path), "message": fault.message} for fault in faults]


def _changes(changes: Iterable[rule_drafts.Change]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(change) for change in changes]
