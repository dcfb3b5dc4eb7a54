from alsolike.declarations.manifest import CONFIGURATION, LIST, READ, SIGNING_KEYS, Access, Manifest, below
from alsolike.declarations.storage import (
    ATTRIBUTION_PREFIX,
    ENGAGEMENT_PREFIX,
    FAILED_BATCHES_PREFIX,
    MONITORING_LATEST_KEY,
    OUTCOMES_PREFIX,
    QUARANTINE_PREFIX,
    SNAPSHOT_KEY,
)

MANIFEST = Manifest(
    description="Shows metrics, alarms, engagement, increments, drift, quarantine, experiments and cost to operators",
    layers=("core", "pandas"),
    packages=(
        "alarms.py",
        "cost",
        "experiments",
        "incomplete_responses.py",
        "metric_values.py",
        "metric_writers.py",
        "prices.py",
        "prometheus",
    ),
    memory_mb=1_769,
    timeout_s=29,  # The API waits 30 s.
    variables={"deployment": "name"},
    reserved="reserved_operators",
    access=(
        *SIGNING_KEYS,
        Access(
            "*",
            ("cloudwatch:GetMetricData",),
            reason="CloudWatch metrics have no ARNs, so reading them can be granted on * only",
        ),
        Access(
            "*",
            ("cloudwatch:ListMetrics",),
            reason="CloudWatch grants the listing of metrics on * only; finds recommenders and filters",
        ),
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        Access(
            "*",
            ("cloudwatch:DescribeAlarms",),
            reason="CloudWatch returns composite alarms only to callers that may describe all alarms",
        ),
        Access("lake", LIST),
        below(
            "lake",
            READ,
            ENGAGEMENT_PREFIX,
            ATTRIBUTION_PREFIX,
            OUTCOMES_PREFIX,
            reason="Objects are named after their day",
        ),
        below("lake", READ, QUARANTINE_PREFIX, reason="Objects are named after their day, shard and sequence number"),
        below("lake", READ, FAILED_BATCHES_PREFIX, reason="Lambda chooses the object name of each failed batch"),
        Access("artefacts", READ, keys=(MONITORING_LATEST_KEY, SNAPSHOT_KEY)),
        Access("users", ("dynamodb:DescribeTable",)),
        Access("stacks", ("cloudformation:GetTemplate",), reason="Stack ARNs contain a random ID"),
        *CONFIGURATION,
    ),
)
