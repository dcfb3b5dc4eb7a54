"""Monthly cost of the deployment, under a requested load or the load of the last day."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.declarations.storage import SNAPSHOT_KEY
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import CloudFormationClient, DynamoDbClient, S3Client
from alsolike.runtime.errors import InvalidSnapshot, Unavailable
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.manifest import Manifest
from functions.observe.metric_reader import MetricReader, counted

if TYPE_CHECKING:
    from operations.cost import BilledResources

EVERY_10_MINUTES = Polling(interval_s=600)
_HOUR_MS = 3_600_000
_COUNTED = {"eventsPerDay": "EventsAccepted", "requestsPerDay": "RecommendationsServed"}
_FIELDS = {"users": "users", "eventsPerDay": "events_per_day", "requestsPerDay": "requests_per_day", "items": "items"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """Bills of the deployment. The deployed templates are cached for ten minutes."""

    metrics: MetricReader
    cloudformation: CloudFormationClient
    s3: S3Client
    bucket: str
    dynamodb: DynamoDbClient
    users_table: str
    stacks: Sequence[str]

    @functools.cached_property
    def _deployed(self) -> PolledValue[BilledResources]:
        return PolledValue(self._summarize, name="summary of the deployed resources", polling=EVERY_10_MINUTES)

    def bill(self, stated: Mapping[str, int], *, now_ms: int) -> dict[str, Any]:
        """Return the response of `GET /operator/cost`.

        Numbers of the load that `stated` does not contain come from the last day. Raise `InvalidInput` if a number of
        the load is out of range, and `Unavailable` if the deployment cannot be summarized.
        """
        from operations import cost, prices  # slow imports that no other route waits for

        parts = stated if len(stated) == len(_FIELDS) else {**self._last_day(now_ms), **stated}
        load = cost.Load(**{field: parts[name] for name, field in _FIELDS.items()})
        summary = self._deployed.current(now_ms=now_ms)
        bill, personalize = cost.estimate(summary, load), cost.estimate_personalize(load)
        return {
            "currency": "USD",
            "pricesOf": prices.DATE,
            "region": prices.REGION,
            "load": {**{name: parts[name] for name in _FIELDS}, "measured": not stated},
            "lines": [
                {
                    **{name: getattr(line, name) for name in ("service", "what", "quantity", "unit", "dollars")},
                    "kind": "fixed" if line.fixed else "usage",
                    "unitPrice": line.unit_dollars,
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

    def _summarize(self, _: Callable[[], float]) -> BilledResources:
        from operations import cost

        templates = {}
        for stack in self.stacks:
            with translate_aws_errors(f"CloudFormation does not answer with the template of {stack}"):
                body = self.cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
            templates[stack] = json.loads(body) if isinstance(body, str) else body
        return cost.summarize(templates, where="what is deployed")

    def _last_day(self, now_ms: int) -> dict[str, int]:
        """Return the number of rows of the users table, of events and requests in 24 hours, and of snapshot items.

        The 24 hours end with the current clock hour. DynamoDB updates its number of rows about every six hours.
        """
        until_ms = now_ms // _HOUR_MS * _HOUR_MS + _HOUR_MS
        counts = self.metrics.read(
            {name: counted(metric) for name, metric in _COUNTED.items()},
            from_ms=until_ms - 24 * _HOUR_MS,
            until_ms=until_ms,
            period_s=_HOUR_MS // 1000,
        )
        with translate_aws_errors(f"users table {self.users_table}"):
            users = self.dynamodb.describe_table(TableName=self.users_table)["Table"]["ItemCount"]
        stored = S3Object(self.s3, self.bucket, SNAPSHOT_KEY)
        content = stored.read()
        try:
            items = sum(segment.rows for segment in Manifest.from_json(content.body).segments) if content else 0
        except InvalidSnapshot as error:
            raise Unavailable(f"{stored.uri}: {error}") from error
        sums = {name: round(sum(values.values())) for name, values in counts.items()}
        return {"users": users, **sums, "items": items}
