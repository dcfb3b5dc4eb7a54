"""Monthly cost of the deployment, under a requested load or the load of the last day."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.declarations.storage import SNAPSHOT_KEY
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import CloudFormationClient, S3Client
from alsolike.runtime.errors import InvalidSnapshot, Unavailable
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.manifest import Manifest
from functions.observe.drift import latest_report
from functions.observe.metric_reader import MetricReader, counted

if TYPE_CHECKING:
    from operations.cost import BilledResources

EVERY_10_MINUTES = Polling(interval_s=600)
_HOUR_MS = 3_600_000
_COUNTED = {"eventsPerDay": "EventsAccepted", "requestsPerDay": "RecommendationsServed"}


class Deployed(PolledValue["BilledResources"]):
    """Polled value of the deployment's billed resources, read from the deployed templates.

    Parameters
    ----------
    client
        Low-level CloudFormation client.
    stacks
        Names of all stacks of the deployment.
    """

    def __init__(self, client: CloudFormationClient, stacks: Sequence[str]) -> None:
        self._client = client
        self._stacks = stacks
        super().__init__(self._summarize, name="summary of the deployed resources", polling=EVERY_10_MINUTES)

    def _summarize(self, _: Callable[[], float]) -> BilledResources:
        from operations import cost  # slow import that no other route waits for

        templates = {f"{stack}.template.json": self._template(stack) for stack in self._stacks}
        return cost.summarize(templates, where="what is deployed")

    def _template(self, stack: str) -> Mapping[str, Any]:
        with translate_aws_errors(f"CloudFormation does not answer with the template of {stack}"):
            body = self._client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
        template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
        return template


class LastDay:
    """Load of the last day, from metrics, the drift report and the catalogue snapshot.

    Parameters
    ----------
    s3
        Low-level S3 client.
    """

    def __init__(self, metrics: MetricReader, *, s3: S3Client, bucket: str) -> None:
        self._metrics = metrics
        self._s3 = s3
        self._bucket = bucket

    def read(self, *, now_ms: int) -> dict[str, int]:
        """Return users of the last drift report, events and requests of 24 hours, and items of the snapshot."""
        until_ms = now_ms // _HOUR_MS * _HOUR_MS + _HOUR_MS
        counts = self._metrics.read(
            {name: counted(metric) for name, metric in _COUNTED.items()},
            from_ms=until_ms - 24 * _HOUR_MS,
            until_ms=until_ms,
            period_s=_HOUR_MS // 1000,
        )
        return {
            "users": self._users(),
            **{name: round(sum(values.values())) for name, values in counts.items()},
            "items": self._items(),
        }

    def _users(self) -> int:
        report = latest_report(self._s3, self._bucket)
        return 0 if report is None else report.users

    def _items(self) -> int:
        stored = S3Object(self._s3, self._bucket, SNAPSHOT_KEY)
        content = stored.read()
        try:
            return sum(segment.rows for segment in Manifest.from_json(content.body).segments) if content else 0
        except InvalidSnapshot as error:
            raise Unavailable(f"{stored.uri}: {error}") from error


def bill(deployed: Deployed, last_day: LastDay, stated: Mapping[str, int], *, now_ms: int) -> dict[str, Any]:
    """Return the response of `GET /operator/cost`.

    Parameters
    ----------
    stated
        Numbers of the load in the query. Missing numbers are those of the last day.

    Raises
    ------
    InvalidInput
        If the load or the deployment has no price.
    """
    from operations import cost

    names = ("users", "eventsPerDay", "requestsPerDay", "items")
    parts = stated if len(stated) == len(names) else {**last_day.read(now_ms=now_ms), **stated}
    load = cost.Load(
        users=parts["users"],
        events_per_day=parts["eventsPerDay"],
        requests_per_day=parts["requestsPerDay"],
        items=parts["items"],
    )
    summary = deployed.current(now_ms=now_ms)
    bill, personalize = cost.estimate(summary, load), cost.estimate_personalize(load)
    return {
        "currency": "USD",
        "pricesOf": bill.prices_date,
        "region": bill.prices_region,
        "load": {**{name: parts[name] for name in names}, "measured": not stated},
        "lines": [
            {
                "service": line.service,
                "what": line.what,
                "kind": "fixed" if line.fixed else "usage",
                "quantity": line.quantity,
                "unit": line.unit,
                "unitPrice": line.unit_dollars,
                "dollars": line.dollars,
            }
            for line in bill.lines
        ],
        "fixedDollars": bill.fixed_dollars,
        "usageDollars": bill.usage_dollars,
        "dollars": bill.dollars,
        "personalizeDollars": personalize.dollars,
        "savings": [
            {
                "setting": saving.setting,
                "what": f"{saving.then} instead of {saving.now}: {saving.but}",
                "dollars": saving.dollars,
            }
            for saving in cost.savings(summary, load)
        ],
        "remarks": cost.remarks(bill, personalize),
    }
