"""Requirements of the real templates on an account."""

import re
from pathlib import Path

import pytest
import yaml

from infra_cdk.regions import PANDAS_VERSION, TRAINING_IMAGES
from operations.doctor import ACTIONS, read_needs
from operations.doctor.requirements import KafkaCluster
from operations.policies import deployer_policy


@pytest.fixture
def needs(assembly):
    return read_needs(assembly.directory)


def test_needs_name_stacks_layer_image_and_bootstrap_version(assembly, needs):
    architecture = needs.resources.functions["recommend"].architecture
    layer = f"/aws/service/aws-sdk-pandas/{PANDAS_VERSION}/py3.13/{architecture}/layer-arn"

    assert needs.stacks == tuple(sorted({resource.stack for resource in assembly.resources}))
    assert needs.account is None
    assert needs.layer_parameters == (layer,)
    assert needs.training_image == TRAINING_IMAGES["us-east-1"]
    assert (needs.bootstrap_version, needs.bootstrap_parameter) == (6, "/cdk-bootstrap/hnb659fds/version")
    assert (needs.pollers, needs.reserved) == (5, 0)


def test_fixed_names_are_those_of_the_templates(assembly, needs):
    prefix, environment = f"alsolike-{needs.environment}", needs.environment
    names = needs.names

    assert names["AWS::Glue::Database", f"{prefix}-data"] == (f"alsolike_{environment}",)
    assert names["AWS::SageMaker::ModelPackageGroup", f"{prefix}-training"] == (prefix,)
    parameters = {name for (kind, _), each in names.items() if kind == "AWS::SSM::Parameter" for name in each}
    assert parameters == {each.properties["Name"] for each in assembly.of_type("AWS::SSM::Parameter")}


def test_optional_parts_are_needed_only_where_they_are_set(demo, prod, other):
    in_demo, in_prod, in_other = (read_needs(each.directory) for each in (demo, prod, other))

    assert (in_demo.buckets, in_prod.buckets) == (("personalize-uploads",), ())
    assert in_demo.kafka is None
    assert in_other.kafka == KafkaCluster(
        "arn:aws:kafka:us-east-1:123456789012:cluster/shop/2a3b-5",
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_shop-a1b2c3",),
        (),
        (),
    )
    # The functions are collect, recommend, authorize_session, five operator functions and four consumers.
    assert in_other.reserved == 50 + 100 + 20 + 5 * 3 + 4 * 4
    assert in_other.pollers == 2 + 2 * 1 + 4 + 1  # The pollers are for tables, streams, parallel batches, and Kafka.


def test_account_is_read_from_the_assembly_folder(demo, tmp_path):
    for path in demo.directory.glob("*.json"):
        text = path.read_text().replace("aws://unknown-account/", "aws://123456789012/")
        (tmp_path / path.name).write_text(text)

    assert read_needs(tmp_path).account == "123456789012"


def test_deployer_assumes_only_the_roles_of_the_bootstrap_stack(demo):
    deploy, doctor = deployer_policy(demo.directory, account="123456789012", partition="aws-cn")["Statement"]

    role = "arn:aws-cn:iam::123456789012:role/cdk-hnb659fds-{}-role-123456789012-us-east-1"
    assert deploy["Resource"] == [role.format(name) for name in ("deploy", "file-publishing", "lookup")]
    assert deploy["Action"] == "sts:AssumeRole"
    assert doctor["Action"] == sorted(ACTIONS)


def test_pipeline_examines_the_account_before_and_after_the_deployment():
    workflow = yaml.safe_load((Path(__file__).parents[2] / ".github" / "workflows" / "deploy.yml").read_text())
    job = workflow["jobs"]["deploy"]
    commands = [step["run"] for step in job["steps"] if "$NAME" in step.get("run", "")]

    assert [re.findall(r"(doctor|diff|deploy) ", command)[0] for command in commands] == [
        "doctor", "diff", "deploy", "doctor",
    ]  # fmt: skip
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    # A shell would run the text of an input that is part of a command.
    assert all("inputs" not in step.get("run", "") for step in job["steps"])
