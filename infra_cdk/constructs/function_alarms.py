"""Alarms on throttled functions, and on batches of stream records that fail finally."""

from collections.abc import Sequence

from aws_cdk import aws_sns as sns
from constructs import Construct

from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.metrics import failed_batches, throttles
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.settings import Settings


def function_alarms(
    scope: Construct,
    *,
    settings: Settings,
    shop: Sequence[str],
    consumers: Sequence[PythonFunction],
    alerts: sns.ITopic,
) -> None:
    """Create the alarms. `shop` are the names of functions that shops call. `consumers` read the event stream."""
    for construct_id, metric, periods, problem, runbook in (
        ("ShopThrottled", throttles(shop), 2, "Requests of the shop are throttled", "errors"),
        (
            "ConsumersThrottled",
            throttles(made.function_name for made in consumers),
            3,
            "Consumers of the stream are throttled",
            "quarantine",
        ),
        (
            "BatchesFail",
            failed_batches(mapping for made in consumers for mapping in made.mappings),
            1,
            "Records of the stream failed finally",
            "quarantine",
        ),
    ):
        alarm(
            scope,
            construct_id,
            metric=metric,
            above=0,
            periods=periods,
            description=f"Alsolike {settings.name}: {problem}: docs/runbooks/{runbook}.md",
            alerts=alerts,
        )
