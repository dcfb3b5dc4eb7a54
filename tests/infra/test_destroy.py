"""Deletion of real stacks from the embedded cloud, which like AWS refuses to delete used exports and full buckets."""

import urllib.request
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from alsolike.runtime.errors import InvalidInput, NotFound
from cli.main import app
from local_cloud.deployer import deploy
from local_cloud.deployment import Deployment, Resource
from local_cloud.moto_changes.stacks import answer_with_stacks
from local_cloud.stacks import Stacks
from operations import deletion
from tests.infra.moto_clients import ACCOUNT, REGION


@pytest.fixture
def stacks(clients, demo):
    """Return the deployed stacks of the demo, with objects, object versions, a delete marker and a model package."""
    boto = clients("s3")
    urllib.request.urlopen(f"{boto.meta.endpoint_url}/moto-api/reset", data=b"").close()
    deployed = Stacks(clients, region=REGION, account=ACCOUNT)
    answer_with_stacks(Mock(stacks=deployed))
    deployment = deploy(demo.directory, clients, region=REGION, account=ACCOUNT)
    deployed.learn(deployment)
    for bucket in deployment.of_type("AWS::S3::Bucket"):
        for body in (b"first", b"second"):
            boto.put_object(Bucket=bucket.physical_id, Key="interactions/1.parquet", Body=body)
        boto.delete_object(Bucket=bucket.physical_id, Key="interactions/1.parquet")
        boto.put_object(Bucket=bucket.physical_id, Key="interactions/2.parquet", Body=b"third")
    clients("sagemaker").create_model_package(ModelPackageGroupName="alsolike-demo", ModelPackageDescription="v1")
    return deployed


def test_destroy_deletes_stacks_that_the_cloud_refuses_to_delete_directly(clients, stacks):
    def status(stack):
        clients("cloudformation").delete_stack(StackName=stack)
        (found,) = clients("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return f"{found['StackStatus']}: {found['StackStatusReason']}"

    refusal = status("alsolike-demo-data")
    assert refusal.startswith("DELETE_FAILED: Export alsolike-demo-data:")
    assert "is in use by alsolike-demo-" in refusal
    with pytest.raises(ClientError, match="contains ModelPackages"):
        clients("sagemaker").delete_model_package_group(ModelPackageGroupName="alsolike-demo")

    plan = deletion.read_plan(clients, "demo")
    steps: list[str] = []
    deletion.tear_down(clients, plan, on_step=steps.append, sleep=lambda _: None)

    names = [stack.name for stack in plan]
    assert names[-1] == "alsolike-demo-data"
    assert names.index("alsolike-demo-observability") < names.index("alsolike-demo-serving")
    assert steps == [f"deleting {name}" for name in names]
    assert clients("cloudformation").describe_stacks()["Stacks"] == []
    assert {bucket["Name"] for bucket in clients("s3").list_buckets()["Buckets"]} == {
        f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    }
    assert clients("dynamodb").list_tables()["TableNames"] == []
    assert clients("kinesis").list_streams()["StreamNames"] == []
    assert clients("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    with pytest.raises(NotFound, match="no deployment 'demo'"):
        deletion.read_plan(clients, "demo")


def test_bucket_that_fills_again_is_emptied_again(clients):
    name = "alsolike-shop-data"
    clients("s3").create_bucket(Bucket="logs")
    bucket = Resource(name, "Logs", "AWS::S3::Bucket", "logs", {}, {})
    deployed = Stacks(clients, region=REGION, account=ACCOUNT)
    deployed.learn(Deployment((bucket,), {}, templates={name: {"Resources": {"Logs": {"Type": bucket.type}}}}))
    answer_with_stacks(Mock(stacks=deployed))
    late = iter([b"a log of an hour ago"])
    steps: list[str] = []

    def client(service):
        # `tear_down` creates this client after it has emptied the bucket, and before it deletes the stack.
        if service == "cloudformation":
            for body in late:
                clients("s3").put_object(Bucket="logs", Key="late", Body=body)
        return clients(service)

    plan = deletion.read_plan(clients, "shop")
    deletion.tear_down(client, plan, on_step=steps.append, sleep=lambda _: None)

    assert [line for line in steps if "BucketNotEmpty" in line]
    with pytest.raises(NotFound):
        deletion.read_plan(clients, "shop")


def test_failed_stack_deletion_raises_its_reason():
    cloudformation = Mock()
    found = {"StackStatus": "DELETE_FAILED", "StackStatusReason": "Export x is in use by y"}
    cloudformation.describe_stacks.return_value = {"Stacks": [found]}
    plan = [deletion.StackPlan("alsolike-shop-data", "1", ())]

    with pytest.raises(deletion.StackNotDeleted, match="alsolike-shop-data: Export x is in use by y; fix the cause"):
        deletion.tear_down(lambda _: cloudformation, plan, on_step=lambda _: None, sleep=lambda _: None)


@pytest.mark.parametrize(("answer", "deleted"), [("shop\n", True), ("yes\n", False)])
def test_destroy_requires_the_typed_name(answer, deleted, monkeypatch):
    plan = [deletion.StackPlan("alsolike-shop-data", "1", ())]
    calls: list[str] = []
    monkeypatch.setattr(deletion, "read_plan", lambda *_: plan)
    monkeypatch.setattr(deletion, "tear_down", lambda *_, **__: calls.append("deleted"))

    done = CliRunner().invoke(app, ["destroy", "--env", "shop"], input=answer)

    assert "stack alsolike-shop-data" in done.output
    assert (calls == ["deleted"], done.exit_code == 0) == (deleted, deleted)


def test_protected_stack_is_refused_with_the_command_to_unprotect_it():
    stack = {"StackName": "alsolike-prod-data", "StackId": "1", "EnableTerminationProtection": True}
    cloudformation = Mock()
    cloudformation.get_paginator.return_value.paginate.return_value = [{"Stacks": [stack]}]

    with pytest.raises(InvalidInput, match="--no-enable-termination-protection --stack-name alsolike-prod-data"):
        deletion.read_plan(lambda _: cloudformation, "prod")


def test_plan_excludes_environments_with_a_longer_name():
    names = ["alsolike-shop-data", "alsolike-shop-2-data", "alsolike-shop-data-data", "alsolike-shops-data"]
    cloudformation = Mock()
    cloudformation.get_paginator.return_value.paginate.side_effect = lambda **which: (
        [{"StackResourceSummaries": []}]
        if which
        else [{"Stacks": [{"StackName": name, "StackId": name} for name in names]}]
    )
    cloudformation.get_template.return_value = {"TemplateBody": {}}

    assert [stack.name for stack in deletion.read_plan(lambda _: cloudformation, "shop")] == ["alsolike-shop-data"]


def test_plan_lists_every_retained_resource_of_production(prod):
    def stores(stack):
        resources = [each for each in prod.resources if each.stack == stack]
        summaries = [
            {"ResourceType": each.type, "LogicalResourceId": each.logical_id, "PhysicalResourceId": each.logical_id}
            for each in resources
        ]
        template = {"Resources": {each.logical_id: each.attributes for each in resources}}
        return list(deletion._stores(summaries, template))

    kept = {r.logical_id for r in prod.resources if r.attributes.get("DeletionPolicy", "Delete") != "Delete"}
    stacks = {each.stack for each in prod.resources}

    assert {store.name for stack in stacks for store in stores(stack) if store.kept} == kept
    assert len([each for each in prod.of_type("AWS::KMS::Key") if each.logical_id in kept]) == 2


def test_plan_has_deleted_and_retained_resources():
    stack = deletion.StackPlan(
        "alsolike-shop-data",
        "1",
        (
            deletion.Store("AWS::S3::Bucket", "lake", kept=False),
            deletion.Store("AWS::DynamoDB::GlobalTable", "profiles", kept=True),
            deletion.Store("AWS::KMS::Key", "3f2a", kept=True),
        ),
    )

    assert deletion.plan_lines([stack]) == [
        "deleted with all contents, in this order:",
        "  stack alsolike-shop-data",
        "    bucket lake",
        "kept, and billed:",
        "  table profiles",
        "  encryption key 3f2a",
    ]
