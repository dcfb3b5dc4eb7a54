"""Alarms on throttled functions, and on batches of stream records that fail finally."""

from collections.abc import Sequence

from constructs import Construct

from infra_cdk.constructs.alarm_topic import Alerts
from infra_cdk.constructs.metrics import failed_batches, throttles
from infra_cdk.constructs.python_function import PythonFunction


def function_alarms(
    scope: Construct, *, shop: Sequence[str], consumers: Sequence[PythonFunction], alerts: Alerts
) -> None:
    """Create the alarms. `shop` are the names of functions that shops call. `consumers` read the event stream."""
    alerts.alarm(
        scope, "ShopThrottled", throttles(shop), "Requests of the shop are throttled", periods=2, runbook="errors"
    )
    alerts.alarm(
        scope,
        "ConsumersThrottled",
        throttles(made.function_name for made in consumers),
        "Consumers of the stream are throttled",
        periods=3,
        runbook="quarantine",
    )
    alerts.alarm(
        scope,
        "BatchesFail",
        failed_batches(mapping for made in consumers for mapping in made.mappings),
        "Records of the stream failed finally",
        runbook="quarantine",
    )
