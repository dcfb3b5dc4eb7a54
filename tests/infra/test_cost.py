"""Resources that a bill includes, read from the deployed templates."""

import json
import os
import re

import pytest

from alsolike.runtime.errors import InvalidInput
from benchmarks import costs
from operations import cost
from tests.builders.snippets import ROOT
from tests.infra.snapshot import FOLDER

BILLS = FOLDER / "bills.json"
LOADS = {
    "idle": cost.Load(users=0, events_per_day=0, requests_per_day=0, items=0),
    "large": cost.Load(
        users=2_000_000, events_per_day=10_000_000, requests_per_day=5_000_000, items=200_000, static_percent=20
    ),
}


def test_every_function_has_a_price_or_is_listed_as_rare(prod):
    load = cost.Load(users=1_000, events_per_day=10_000, requests_per_day=10_000, items=1_000)

    bill = cost.estimate(cost.read_assembly(prod.directory), load)

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


def test_summary_has_the_environment_its_region_and_the_sample_of_spark(other):
    summary = cost.read_assembly(other.directory)

    assert (summary.environment, summary.region) == ("other", "us-east-1")
    assert summary.training.spark_sample_interactions == 2_000_000


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


@pytest.mark.parametrize("section", ["bills", "savings"])
def test_documented_tables_are_current(prod, section):
    """`python -m benchmarks.costs` writes the tables again."""
    table = costs.tables(cost.read_assembly(prod.directory))[section]

    assert f"\n{table}\n" in (ROOT / costs.PAGE).read_text()


def test_folder_without_templates_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="expected a synthesized assembly"):
        cost.read_assembly(tmp_path)


def test_every_stack_has_the_budget_tag(prod):
    artifacts = json.loads((prod.directory / "manifest.json").read_bytes())["artifacts"].values()
    stacks = [each for each in artifacts if each["type"] == "aws:cloudformation:stack"]

    assert stacks
    assert all(each["properties"]["tags"] == {"alsolike:environment": "prod"} for each in stacks)
