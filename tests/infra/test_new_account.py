"""Quotas of a new AWS account, limits of AWS and updates of stacks, checked on the templates.

The sources of the quotas are https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html ("New AWS
accounts have reduced concurrency and memory quotas") and the public reports of accounts that were opened in 2025.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.assembly import Assembly, flat, templates
from tests.infra.setting_changes import dangers

MAX_MEMORY_MB = 3_008
MAX_CONCURRENCY = 10
LEFT_FOR_THE_API = 2


def test_function_memory_is_within_the_quota_of_a_new_account(assembly):
    too_large = {
        function.properties["Handler"]: function.properties["MemorySize"]
        for function in assembly.of_type("AWS::Lambda::Function")
        if function.properties["MemorySize"] > MAX_MEMORY_MB
    }

    assert too_large == {}


def test_consumers_and_a_batch_leave_concurrency_for_the_api(assembly):
    (stream,) = assembly.of_type("AWS::Kinesis::Stream")
    pollers = sum(
        (stream.properties["ShardCount"] if "Kinesis" in json.dumps(each.properties) else 1)
        * each.properties.get("ParallelizationFactor", 1)
        for each in assembly.of_type("AWS::Lambda::EventSourceMapping")
    )
    states = json.loads(flat(assembly.state_machine("batch").properties["DefinitionString"]))["States"]

    assert pollers == 5
    assert pollers + states["Batches"]["MaxConcurrency"] + LEFT_FOR_THE_API <= MAX_CONCURRENCY


def test_default_settings_reserve_no_concurrency(assembly):
    assert not [f for f in assembly.of_type("AWS::Lambda::Function") if "ReservedConcurrentExecutions" in f.properties]
    assert not [a for a in assembly.of_type("AWS::Lambda::Alias") if "ProvisionedConcurrencyConfig" in a.properties]


def test_log_delivery_uses_vendedlogs_groups(assembly):
    destinations = {
        (each.stack, reference)
        for kind, name in (
            ("AWS::StepFunctions::StateMachine", "LoggingConfiguration"),
            ("AWS::ApiGatewayV2::Stage", "AccessLogSettings"),
        )
        for each in assembly.of_type(kind)
        for reference in re.findall(r'"Fn::GetAtt": \["(\w+)", "Arn"\]', json.dumps(each.properties[name]))
    }
    groups = {(each.stack, each.logical_id): each.properties for each in assembly.of_type("AWS::Logs::LogGroup")}

    names = [groups[destination].get("LogGroupName", "") for destination in destinations]

    assert len(names) == 5  # The destinations are four workflows and the API.
    assert all(name.startswith("/aws/vendedlogs/") for name in names)


MAX_POLICY_BYTES = 20_480
"""Maximum size of a function's policy, which is equal for new and old accounts:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MAX_RESOURCES = 500
"""Maximum number of resources of a stack:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

LONGEST_FUNCTION = f"arn:aws-us-gov:lambda:ap-southeast-99:123456789012:function:{'f' * 64}:live"


def test_resource_policy_of_each_function_is_within_its_limit(assembly):
    """Each permission is a statement of the function's policy. The test uses the longest possible names."""
    sizes: dict[str, int] = {}
    for permission in assembly.of_type("AWS::Lambda::Permission"):
        properties = permission.properties
        source = flat(properties.get("SourceArn", "")).rpartition(":")[2].partition("/")[2]
        source_arn = f"arn:aws-us-gov:execute-api:ap-southeast-99:123456789012:abcdefghij/{source}"
        statement = {
            "Sid": "s" * 100, "Effect": "Allow", "Principal": {"Service": properties["Principal"]},
            "Action": properties["Action"], "Resource": LONGEST_FUNCTION,
            "Condition": {"ArnLike": {"AWS:SourceArn": source_arn}},
        }  # fmt: skip
        function = flat(properties["FunctionName"])
        sizes[function] = sizes.get(function, 0) + len(json.dumps(statement))

    assert max(sizes.values()) < MAX_POLICY_BYTES // 10


@pytest.mark.parametrize("name", ["demo", "prod", "other"])
def test_templates_use_at_most_half_of_the_resource_limit(name, request):
    environment: Assembly = request.getfixturevalue(name)

    sizes = {path.name: len(template["Resources"]) for path, template in templates(environment.directory)}

    assert {stack: size for stack, size in sizes.items() if size > MAX_RESOURCES // 2} == {}


PAGES = "alsolike--pages: WebsitePages"
"""Bucket of the pages. Its contents can be rebuilt from the repository, and the setting `web` can remove the bucket."""


@pytest.mark.parametrize("name", ["prod", "spare", "other"])
def test_environment_update_keeps_used_exports_and_stored_data(name, demo, request):
    """The environment `spare` has no optional resources. The environment `other` has changed settings."""
    assert [each for each in dangers(demo, request.getfixturevalue(name)) if not each.startswith(PAGES)] == []


def test_vanished_exports_and_replaced_resources_are_found(demo, tmp_path):
    for path, template in templates(demo.directory):
        if path.name == "alsolike-demo-lake.template.json":
            (machine,) = [id for id, each in template["Resources"].items() if each["Type"].endswith("::StateMachine")]
            template["Resources"][machine]["Properties"]["StateMachineType"] = "EXPRESS"
        if path.name == "alsolike-demo-data.template.json":
            removed = sorted(template["Outputs"])[0]
            del template["Outputs"][removed]
            tables = [id for id, each in template["Resources"].items() if each["Type"] == "AWS::DynamoDB::GlobalTable"]
            template["Resources"][tables[0]]["Properties"]["KeySchema"] = []
            del template["Resources"][tables[1]]
        (tmp_path / path.name).write_text(json.dumps(template))

    found = dangers(demo, Assembly.read(tmp_path))

    assert found[0].startswith("export alsolike--data:")
    assert found[1:] == [
        f"alsolike--data: {tables[0]} is replaced: KeySchema",
        f"alsolike--data: {tables[1]} vanishes",
        f"alsolike--lake: {machine} is replaced: StateMachineType",
    ]


ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "node_modules" / "aws-cdk" / "lib" / "api" / "bootstrap" / "bootstrap-template.yaml"


def test_bootstrap_key_lets_all_roles_of_the_account_decrypt_assets():
    """Training jobs and Glue have no `kms:Decrypt`, because the key's policy grants it to the account through S3.

    `cdk bootstrap --bootstrap-customer-key` creates a key with this policy.
    """
    key: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())["Resources"]["FileAssetsBucketEncryptionKey"]
    (statement,) = [
        each
        for each in key["Properties"]["KeyPolicy"]["Statement"]
        if each["Principal"] == {"AWS": "*"} and "kms:Decrypt" in each["Action"]
    ]

    assert statement["Effect"] == "Allow"
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": {"Ref": "AWS::AccountId"},
            "kms:ViaService": [{"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}],
        }
    }
