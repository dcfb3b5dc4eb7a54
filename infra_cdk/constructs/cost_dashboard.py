"""Dashboard of daily costs: usage that CloudWatch measures, multiplied by its price."""

from collections.abc import Iterable, Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.constructs.api_routes import Api
from infra_cdk.constructs.dashboard_widgets import DAY, HALF, WIDE, board, graph
from infra_cdk.constructs.metrics import aws_metric
from infra_cdk.constructs.python_function import PythonFunction, read_manifest
from infra_cdk.settings import Settings
from operations.prices import DATE, REGION, TABLE

NOTE = (
    f"Dollars per day: usage that CloudWatch measures, at the prices in {REGION} on {DATE}, without free tiers and "
    "discounts. Costs without a metric are missing: traces, custom metrics, trainings, requests to S3, and costs "
    "without load. `alsolike cost` contains all costs."
)
BILLING_REGION = "us-east-1"
"""Region of the metric AWS/Billing, which exists only if the account has billing alerts."""

_CLASSES = (
    ("StandardStorage", "s3_gb", ""),
    ("IntelligentTieringFAStorage", "s3_gb", ", tiered"),
    ("IntelligentTieringIAStorage", "s3_infrequent_gb", ", tiered, a month unread"),
    ("IntelligentTieringAIAStorage", "s3_infrequent_gb", ", tiered, not read for three months"),
)
"""S3 storage classes in CloudWatch, each with the name of its price and the end of its label. The price of objects that
were not read for three months is an upper bound."""

LATER = "publish_lists"
"""Function in the stack of the pages. This stack is created after the dashboard, so the function's name is unknown."""

_LOGGED = ("collect", "recommend", "update_profiles", "archive_served")
"""Functions whose logs the dashboard contains."""

_DIVISORS = {"GB": " / 1000000000", "GB-month": " / 1000000000 / 30.4"}
"""Metric math by unit of a price, which converts bytes, or the bytes stored on a day, to the unit."""

Usage = tuple[str, str, cloudwatch.IMetric]
"""Label, name of the price, and usage per day."""


def cost_dashboard(
    scope: Construct,
    *,
    settings: Settings,
    api: Api,
    stream: kinesis.IStream,
    functions: Mapping[str, PythonFunction],
    tables: Mapping[str, dynamodb.ITableV2],
    buckets: Mapping[str, s3.IBucket],
) -> cloudwatch.Dashboard:
    """Create the dashboard. All series are in dollars per day, except for GB-seconds and the account's monthly bill."""
    usage: dict[str, dict[str, cloudwatch.IMetric]] = {
        metric: {
            name: function.live.metric(metric, statistic="Sum", period=DAY) for name, function in functions.items()
        }
        for metric in ("Duration", "Invocations")
    }
    memory_mb = {name: function.memory_mb for name, function in functions.items()}
    if settings.web and settings.static_lists_schedule is not None:
        memory_mb[LATER] = settings.number(read_manifest(LATER).memory_mb)
        for metric, by_function in usage.items():
            by_function[LATER] = _searched(settings, metric)
    gb_s = {
        name: _expression(f"{{}} / 1000 * {memory_mb[name] / 1024:g}", {f"ms{_id(name)}": duration}, name)
        for name, duration in sorted(usage["Duration"].items())
    }
    calls = {f"n{_id(name)}": metric for name, metric in usage["Invocations"].items()}
    all_calls = _expression(f"SUM([{', '.join(f'FILL({name}, 0)' for name in calls)}])", calls)
    lambda_price = "lambda_arm_gb_s" if settings.architecture == "arm64" else "lambda_x86_gb_s"
    logs = {name: functions[name].log_group for name in _LOGGED} | {"the API's access log": api.access_log}
    made = board(scope, "Cost", settings=settings, start="-P14D")
    made.add_widgets(cloudwatch.TextWidget(markdown=NOTE, width=WIDE, height=2))
    made.add_widgets(
        _dollars("Lambda: time", ((name, lambda_price, metric) for name, metric in gb_s.items())),
        graph("Lambda: GB-seconds", list(gb_s.values())),
    )
    made.add_widgets(
        _dollars(
            "Calls of the API and of Lambda",
            [
                ("API Gateway, calls", "rest_api_calls" if settings.private_api else "api_calls", api.requests()),
                ("Lambda, calls", "lambda_requests", all_calls),
            ],
        ),
        _dollars(
            "Kinesis",
            [("PUT units", "kinesis_puts", stream.metric_incoming_records(statistic="Sum", period=DAY))],
        ),
    )
    made.add_widgets(
        _dollars(
            "DynamoDB",
            (
                (f"{name}, {verb}", price, aws_metric("DynamoDB", metric, period=DAY, TableName=table.table_name))
                for name, table in tables.items()
                for verb, price, metric in (
                    ("written", "dynamodb_writes", "ConsumedWriteCapacityUnits"),
                    ("read", "dynamodb_reads", "ConsumedReadCapacityUnits"),
                )
            ),
        ),
        _dollars(
            "CloudWatch: ingested logs",
            (
                (name, "logs_gb", aws_metric("Logs", "IncomingBytes", period=DAY, LogGroupName=group.log_group_name))
                for name, group in logs.items()
            ),
        ),
    )
    stored = _dollars(
        "S3: storage",
        (
            (f"{name}{suffix}", price, _stored_bytes(bucket, storage_class))
            for name, bucket in buckets.items()
            for storage_class, price, suffix in _CLASSES
        ),
    )
    made.add_widgets(stored, *_account(settings))
    return made


def _dollars(subject: str, usages: Iterable[Usage]) -> cloudwatch.GraphWidget:
    """Create a graph of dollars per day. Its title names the prices."""
    priced, names = [], dict[str, None]()
    for label, name, metric in usages:
        names[name] = None
        factor = f"{TABLE[name].dollars:.12f}".rstrip("0") + _DIVISORS.get(TABLE[name].unit, "")
        priced.append(_expression(f"{{}} * {factor}", {f"u{_id(label)}": metric}, label))
    return graph(f"{subject}, at {', '.join(map(_price, names))}", priced)


def _price(name: str) -> str:
    price = TABLE[name]
    if price.dollars < 1e-3:
        return f"${price.dollars * 1e6:g} a million {price.unit.removesuffix('s')}s"
    return f"${price.dollars:g} a {price.unit}"


def _searched(settings: Settings, metric: str) -> cloudwatch.MathExpression:
    """Return the sum of a metric of `LATER`. CloudWatch finds the function by the words in its name."""
    names = f"alsolike {settings.name} pages Publish Lists".replace("-", " ")
    found = (
        f"""SEARCH('{{"AWS/Lambda","FunctionName"}} MetricName="{metric}" {names}', 'Sum', {DAY.to_seconds():.0f})"""
    )
    return cloudwatch.MathExpression(expression=f"SUM({found})", using_metrics={}, period=DAY)


def _stored_bytes(bucket: s3.IBucket, storage_class: str) -> cloudwatch.IMetric:
    size = {"BucketName": bucket.bucket_name, "StorageType": storage_class}
    return aws_metric("S3", "BucketSizeBytes", statistic="Average", period=DAY, **size)


def _account(settings: Settings) -> list[cloudwatch.IWidget]:
    if settings.region != BILLING_REGION:
        return []
    label, statistic = "the whole account, this month", "Maximum"
    owed = aws_metric("Billing", "EstimatedCharges", statistic=statistic, period=DAY, label=label, Currency="USD")
    return [graph("Estimate of AWS, if billing alerts are on", [owed], width=HALF)]


def _expression(
    expression: str, metrics: Mapping[str, cloudwatch.IMetric], label: str | None = None
) -> cloudwatch.MathExpression:
    """Return a metric math expression. `metrics` has the metrics by ID. `{}` in `expression` is the first ID."""
    return cloudwatch.MathExpression(
        expression=expression.format(*metrics), using_metrics=dict(metrics), label=label, period=DAY
    )


def _id(label: str) -> str:
    """Return a label as a suffix of metric math IDs: all characters but letters and digits become underscores."""
    return "".join(each if each.isalnum() else "_" for each in label.lower())
