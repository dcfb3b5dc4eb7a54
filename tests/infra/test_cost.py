"""Resources that a bill includes, read from the deployed templates."""

import json
import os
import re

import pytest

from alsolike.runtime.errors import InvalidInput
from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings
from operations import cost
from tests.infra.snapshot import FOLDER

BILLS = FOLDER / "bills.json"
LOADS = {
    "idle": cost.Load(users=0, events_per_day=0, requests_per_day=0, items=0),
    "large": cost.Load(
        users=2_000_000, events_per_day=10_000_000, requests_per_day=5_000_000, items=200_000, static_percent=20
    ),
}


@pytest.fixture(scope="module")
def summary(prod):
    return cost.read_assembly(prod.directory)


def test_summary_has_the_settings_of_the_environment(summary):
    assert (summary.environment, summary.region) == ("prod", "us-east-1")
    assert (summary.stream.on_demand, summary.stream.shards, summary.stream.retention_hours) == (False, 1, 168)
    assert summary.log_retention_days == 90
    assert summary.functions["recommend"].memory_mb == 1_769
    assert {name for name, each in summary.functions.items() if each.snap_start} == {
        "authorize_session",
        "collect",
        "recommend",
    }
    assert summary.dataset_days == 7


def test_summary_has_stream_consumers_and_schedule_frequencies(summary):
    (source,) = summary.functions["archive_events"].sources
    assert (source.batch_size, source.window_s) == (10_000, 60)
    assert len(summary.functions["publish_catalog"].sources) == 2
    assert summary.functions["attribute_outcomes"].runs == 730
    assert summary.functions["compact_lake"].runs == pytest.approx(730 / 24)
    assert summary.functions["recommend"].checks["trends_check_s"] == 30


def test_summary_has_trainings_and_canaries(summary):
    training = summary.training
    assert training.runs == pytest.approx(730 / 24)
    assert (training.instance_type, training.spot) == ("ml.m5.xlarge", True)
    assert training.looks == 43_200 // 300
    assert (training.spark_above_mb, training.spark_workers, training.spark_flexible) == (300, 10, True)


def test_alarms_are_counted_by_their_metrics(summary, prod):
    alarms = [each.properties for each in prod.resources if each.type == "AWS::CloudWatch::Alarm"]
    plain = sum("MetricName" in alarm for alarm in alarms)
    expression_metrics = sum("MetricStat" in metric for alarm in alarms for metric in alarm.get("Metrics", ()))
    assert summary.alarm_metrics == plain + expression_metrics


def test_every_function_has_a_price_or_is_listed_as_rare(summary):
    load = cost.Load(users=1_000, events_per_day=10_000, requests_per_day=10_000, items=1_000)

    bill = cost.estimate(summary, load)

    rare = next(remark for remark in bill.remarks if "the load does not determine them" in remark)
    assert rare.partition("calls of ")[2].split(", ") == [
        "authorize_session", "erase_user", "exchange_batch", "export_user", "import_data", "observe", "operate",
        "personalize", "purge_user", "write_recommendations",
    ]  # fmt: skip
    assert not [remark for remark in bill.remarks if "durations are unknown" in remark]


@pytest.mark.parametrize("environment", ["demo", "prod", "other", "protected", "double"])
def test_every_resource_type_is_billed_or_free(environment, request):
    known = re.compile(
        "AWS::(ApiGateway|ApiGatewayV2|Backup|Budgets|CDK|CertificateManager|CloudFront|CloudTrail|CloudWatch|"
        "Cognito::UserPool|DynamoDB|EC2|Events|Glue|IAM|KMS|Kinesis|Lambda|Logs|Route53|S3|SNS|SSM|Scheduler|"
        "SageMaker::ModelPackageGroup|SecretsManager|StepFunctions|WAFv2)"
    )
    types = {each.type for each in request.getfixturevalue(environment).resources}

    assert [each for each in types if not known.match(each)] == []


def test_summary_has_the_spark_statistics_setting(summary, other):
    assert not summary.training.spark_statistics
    training = cost.read_assembly(other.directory).training
    assert (training.spark_statistics, training.spark_sample_interactions) == (True, 2_000_000)


@pytest.mark.parametrize("environment", ["demo", "prod", "spare", "other", "protected", "double"])
def test_bills_have_the_dollars_of_their_snapshot(environment, request):
    """`UPDATE_SNAPSHOTS=1 make test ARGS=tests/infra/test_cost.py` writes the snapshot again."""
    deployed = cost.read_assembly(request.getfixturevalue(environment).directory)
    bills = {name: cost.estimate(deployed, load).by_service() for name, load in LOADS.items()}
    snapshot = json.loads(BILLS.read_text())
    if "UPDATE_SNAPSHOTS" in os.environ:
        snapshot[environment] = {
            name: {service: round(dollars, 4) for service, dollars in bill.items()} for name, bill in bills.items()
        }
        BILLS.write_text(json.dumps(snapshot, indent=1, sort_keys=True) + "\n")

    assert bills == {name: pytest.approx(bill, abs=1e-4) for name, bill in snapshot[environment].items()}


def test_folder_without_templates_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="expected a synthesized assembly"):
        cost.read_assembly(tmp_path)


def test_every_stack_has_the_budget_tag(prod):
    artifacts = json.loads((prod.directory / "manifest.json").read_bytes())["artifacts"].values()
    stacks = [each for each in artifacts if each["type"] == "aws:cloudformation:stack"]

    assert stacks
    assert all(each["properties"]["tags"] == {"alsolike:environment": "prod"} for each in stacks)


def test_tracing_and_dashboards_can_be_disabled(spare):
    functions = spare.of_type("AWS::Lambda::Function")
    assert all("TracingConfig" not in each.properties for each in functions)
    roles = [role for role in spare.of_type("AWS::IAM::Role") if "lambda.amazonaws.com" in json.dumps(role.properties)]
    assert "xray" not in json.dumps([role.properties for role in roles])
    assert spare.of_type("AWS::CloudWatch::Dashboard") == []
    assert not any(each.tracing for each in cost.read_assembly(spare.directory).functions.values())


@pytest.mark.parametrize("value", [0, -5, "100", 1.5])
def test_invalid_budget_is_refused(value):
    environments = {"demo": {"region": "us-east-1", "monthly_budget_usd": value}}

    with pytest.raises(InvalidSettings, match="monthly_budget_usd"):
        load_settings(environments, "demo")
