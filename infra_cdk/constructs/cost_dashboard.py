"""Dashboard of daily costs: usage that CloudWatch measures, multiplied by its price."""

from collections.abc import Mapping

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
    made = board(scope, "Cost", settings=settings, start="-P14D")
    durations: dict[str, cloudwatch.IMetric] = {
        name: _sum(function.live.metric("Duration")) for name, function in functions.items()
    }
    invocations: dict[str, cloudwatch.IMetric] = {
        name: _sum(function.live.metric("Invocations")) for name, function in functions.items()
    }
    memory_mb = {name: function.memory_mb for name, function in functions.items()}
    if settings.web and settings.static_lists_schedule is not None:
        durations[LATER], invocations[LATER] = (_searched(settings, metric) for metric in ("Duration", "Invocations"))
        memory_mb[LATER] = settings.number(read_manifest(LATER).memory_mb)
    time = {name: _gb_seconds(name, durations[name], memory_mb=memory_mb[name]) for name in sorted(durations)}
    api_calls = "rest_api_calls" if settings.private_api else "api_calls"
    calls = [_dollars(api.requests(), api_calls, "API Gateway, calls")]
    stored = [each for name, bucket in buckets.items() for each in _storage_costs(bucket, name)]
    groups = {name: functions[name].log_group for name in _LOGGED} | {"the API's access log": api.access_log}
    gb_s = "lambda_arm_gb_s" if settings.architecture == "arm64" else "lambda_x86_gb_s"
    made.add_widgets(cloudwatch.TextWidget(markdown=NOTE, width=WIDE, height=2))
    made.add_widgets(
        graph(
            f"Lambda: time, at ${TABLE[gb_s].dollars:.10f} a GB-second",
            [_dollars(time[name], gb_s, name) for name in time],
        ),
        graph("Lambda: GB-seconds", list(time.values())),
    )
    made.add_widgets(
        graph(
            f"Calls: API at ${_million(api_calls)}, Lambda at ${_million('lambda_requests')} a million",
            [*calls, _dollars(_all_calls(invocations), "lambda_requests", "Lambda, calls")],
        ),
        graph(
            f"Kinesis: PUT units at ${_million('kinesis_puts')} a million",
            [_dollars(_sum(stream.metric_incoming_records()), "kinesis_puts", "PUT units")],
        ),
    )
    made.add_widgets(
        graph(
            f"DynamoDB: units at ${_million('dynamodb_writes')} written, ${_million('dynamodb_reads')} read, a million",
            [
                _dollars(
                    aws_metric("DynamoDB", f"Consumed{operation}CapacityUnits", period=DAY, TableName=table.table_name),
                    price,
                    f"{name}, {verb}",
                )
                for name, table in tables.items()
                for operation, price, verb in (
                    ("Write", "dynamodb_writes", "written"),
                    ("Read", "dynamodb_reads", "read"),
                )
            ],
        ),
        graph(
            f"CloudWatch: ingested logs, at ${TABLE['logs_gb'].dollars:.2f} a GB",
            [
                _priced(
                    aws_metric("Logs", "IncomingBytes", period=DAY, LogGroupName=group.log_group_name),
                    f"{TABLE['logs_gb'].dollars:g} / 1000000000",
                    name,
                )
                for name, group in groups.items()
            ],
        ),
    )
    made.add_widgets(
        graph(
            f"S3: storage, at ${TABLE['s3_gb'].dollars:.3f} a GB and month, "
            f"${TABLE['s3_infrequent_gb'].dollars:.4f} unread",
            stored,
        ),
        *_account(settings),
    )
    return made


def _searched(settings: Settings, metric: str) -> cloudwatch.MathExpression:
    """Return the sum of a metric of `LATER`. CloudWatch finds the function by the words in its name."""
    names = f"alsolike {settings.name} pages Publish Lists".replace("-", " ")
    found = (
        f"""SEARCH('{{"AWS/Lambda","FunctionName"}} MetricName="{metric}" {names}', 'Sum', {DAY.to_seconds():.0f})"""
    )
    return cloudwatch.MathExpression(expression=f"SUM({found})", using_metrics={}, period=DAY)


def _gb_seconds(name: str, duration: cloudwatch.IMetric, *, memory_mb: int) -> cloudwatch.MathExpression:
    """Return the billed GB-seconds of a function. Rounding of each call to a millisecond is ignored."""
    return cloudwatch.MathExpression(
        expression=f"ms{_id(name)} / 1000 * {memory_mb / 1024:g}",
        using_metrics={f"ms{_id(name)}": duration},
        label=name,
        period=DAY,
    )


def _all_calls(invocations: Mapping[str, cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    counted = {f"n{_id(name)}": calls for name, calls in invocations.items()}
    return cloudwatch.MathExpression(
        expression=f"SUM([{', '.join(f'FILL({name}, 0)' for name in counted)}])", using_metrics=counted, period=DAY
    )


def _storage_costs(bucket: s3.IBucket, name: str) -> list[cloudwatch.IMetric]:
    return [
        _priced(
            aws_metric(
                "S3",
                "BucketSizeBytes",
                statistic="Average",
                period=DAY,
                BucketName=bucket.bucket_name,
                StorageType=storage_class,
            ),
            f"{TABLE[price].dollars:g} / 1000000000 / 30.4",
            f"{name}{suffix}",
        )
        for storage_class, price, suffix in _CLASSES
    ]


def _account(settings: Settings) -> list[cloudwatch.IWidget]:
    if settings.region != BILLING_REGION:
        return []
    owed = aws_metric(
        "Billing",
        "EstimatedCharges",
        statistic="Maximum",
        period=DAY,
        label="the whole account, this month",
        Currency="USD",
    )
    return [graph("Estimate of AWS, if billing alerts are on", [owed], width=HALF)]


def _dollars(usage: cloudwatch.IMetric, price: str, label: str) -> cloudwatch.MathExpression:
    return _priced(usage, f"{TABLE[price].dollars:.12f}", label)


def _priced(usage: cloudwatch.IMetric, factor: str, label: str) -> cloudwatch.MathExpression:
    name = f"u{_id(label)}"
    return cloudwatch.MathExpression(
        expression=f"{name} * {factor}", using_metrics={name: usage}, label=label, period=DAY
    )


def _sum(metric: cloudwatch.Metric) -> cloudwatch.Metric:
    return metric.with_(statistic="Sum", period=DAY)


def _id(label: str) -> str:
    """Return a label as a suffix of metric math IDs: all characters but letters and digits become underscores."""
    return "".join(each if each.isalnum() else "_" for each in label.lower())


def _million(price: str) -> str:
    return f"{TABLE[price].dollars * 1e6:g}"
