import re
from typing import Any

import pytest

from assemblies import asset, write_assembly
from local_cloud.deployer import DeploymentError
from local_cloud.stacks import Stacks
from moto_cloud import ACCOUNT, REGION

QUEUE = {"Type": "AWS::SQS::Queue"}


def topic(**properties):
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def parameter(value, **attributes):
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **attributes}


def test_resource_is_created_after_its_dependencies(cloud):
    resources = {
        "A": parameter({"Ref": "B"}),
        "B": parameter({"Fn::GetAtt": ["C", "QueueName"]}),
        "C": {**QUEUE, "DependsOn": "D"},
        "D": parameter("x", DependsOn=["E"]),
        "E": parameter({"Fn::Sub": "${F.TopicName}"}),
        "F": topic(),
    }

    deployment = cloud.deploy_template({"Resources": resources})

    assert [resource.logical_id for resource in deployment.resources] == ["F", "E", "D", "C", "B", "A"]
    assert cloud.progress[0] == "shop: F (AWS::SNS::Topic)"


def test_deployment_has_evaluated_properties_and_attributes(cloud):
    resources = {"Queue": QUEUE, "Arn": parameter({"Fn::GetAtt": ["Queue", "Arn"]})}

    deployment = cloud.deploy_template({"Resources": resources})

    (queue,) = deployment.of_type("AWS::SQS::Queue")
    (arn,) = deployment.of_type("AWS::SSM::Parameter")
    assert queue.attributes["Arn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.attributes['QueueName']}"
    assert arn.properties["Value"] == queue.attributes["Arn"]
    stored = cloud.client("ssm").get_parameter(Name=arn.physical_id)["Parameter"]
    assert stored["Value"] == queue.attributes["Arn"]


def test_stack_arn_is_the_same_everywhere(cloud):
    outputs = {"Id": {"Value": {"Ref": "AWS::StackId"}}, "Name": {"Value": {"Fn::Sub": "${AWS::StackId}"}}}
    deployment = cloud.deploy_template({"Resources": {"Orders": QUEUE}, "Outputs": outputs})

    stacks = Stacks(cloud.client, region=REGION, account=ACCOUNT)
    stacks.learn(deployment)

    (described,) = stacks.describe_stacks("shop")["Stacks"]
    arn = described["StackId"]
    assert arn.startswith(f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/")
    assert deployment.outputs["shop"] == {"Id": arn, "Name": arn}
    assert stacks.describe_stacks(arn) == {"Stacks": [described]}


def test_unknown_resource_type_is_refused_before_any_creation(cloud):
    resources = {"Queue": QUEUE, "Machine": {"Type": "AWS::EC2::Instance", "Properties": {}}}

    with pytest.raises(
        DeploymentError,
        match=r"stack shop, resource Machine \(AWS::EC2::Instance\): resource type is not known",
    ):
        cloud.deploy_template({"Resources": resources})

    assert "QueueUrls" not in cloud.client("sqs").list_queues()


LIFECYCLE = {"Rules": [{"Status": "Enabled", "Prefix": "a/"}, {"Status": "Enabled", "Prefix": "b/", "Colour": "red"}]}
MISSING = {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:missing", "Protocol": "email", "Endpoint": "shop@example.com"}


@pytest.mark.parametrize(
    ("resource_type", "properties", "message"),
    [
        ("AWS::SQS::Queue", {"Colour": "red"}, ", property Colour: is not known"),
        ("AWS::S3::Bucket", {"LifecycleConfiguration": LIFECYCLE}, r"Configuration\.Rules\[1\]\.Colour"),
        ("AWS::S3::BucketPolicy", {"PolicyDocument": {}}, ", property Bucket: is required"),
        ("AWS::SNS::Subscription", MISSING, ": .*NotFound"),
        ("AWS::Kinesis::Stream", {"ShardCount": "many"}, ": .*ShardCount"),
    ],
)
def test_error_names_the_resource_and_the_property(cloud, resource_type, properties, message):
    with pytest.raises(DeploymentError, match=rf"(?s)stack shop, resource Thing \({resource_type}\).*{message}"):
        cloud.create(resource_type, **properties)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::Cidr": ["a", 1]}, "property Value: unknown intrinsic function Fn::Cidr"),
        ({"Ref": "Missing"}, "property Value: there is no resource Missing"),
        ({"Fn::GetAtt": ["Queue", "Colour"]}, "unknown attribute Colour of Queue (AWS::SQS::Queue); known here: Arn"),
        ({"Fn::ImportValue": "data"}, "property Value: no stack deployed before exports data"),
        ("{{resolve:ssm:/missing}}", "property Value: there is no SSM parameter /missing"),
    ],
)
def test_value_that_cannot_be_evaluated_error_names_its_property(cloud, value, message):
    with pytest.raises(DeploymentError, match=re.escape(message)):
        cloud.deploy_template({"Resources": {"Queue": QUEUE, "Name": parameter(value)}})


def test_circular_dependency_error_has_the_cycle(cloud):
    resources = {
        "A": parameter({"Ref": "B"}),
        "B": parameter({"Fn::Sub": "${C}"}),
        "C": parameter("x", DependsOn="A"),
    }

    with pytest.raises(DeploymentError, match="stack shop: circular dependency: A -> B -> C -> A"):
        cloud.deploy_template({"Resources": resources})


def test_resource_with_a_false_condition_is_skipped(cloud):
    template = {
        "Conditions": {"IsLive": {"Fn::Equals": [{"Ref": "AWS::StackName"}, "live"]}},
        "Resources": {
            "Queue": {**QUEUE, "Condition": "IsLive"},
            "Name": parameter({"Fn::If": ["IsLive", {"Ref": "Queue"}, "none"]}, DependsOn=["Queue"]),
        },
        "Outputs": {"Queue": {"Condition": "IsLive", "Value": {"Ref": "Queue"}}, "Is": {"Value": "test"}},
    }

    test = cloud.deploy_template(template, stack="test")
    live = cloud.deploy_template(template, stack="live")

    assert [resource.logical_id for resource in test.resources] == ["Name"]
    assert test.outputs == {"test": {"Is": "test"}}
    assert [resource.logical_id for resource in live.resources] == ["Queue", "Name"]
    assert live.outputs["live"]["Queue"].endswith(live.resources[0].attributes["QueueName"])


def test_cdk_metadata_is_ignored(cloud):
    metadata = {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:..."}}

    assert cloud.deploy_template({"Resources": {"CDKMetadata": metadata}}).resources == ()


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({**QUEUE, "CreationPolicy": {}}, "unknown attributes ['CreationPolicy'] of a resource"),
        ({**QUEUE, "DependsOn": "Moon"}, "DependsOn names ['Moon'], which the template does not have"),
        ({**QUEUE, "Condition": "Moon"}, "unknown condition Moon"),
        ({"Type": "Custom::S3BucketNotifications"}, "not known here; custom resources run nowhere here"),
    ],
)
def test_unknown_resource_attribute_is_refused(cloud, resource, message):
    with pytest.raises(DeploymentError, match=re.escape(message)):
        cloud.deploy_template({"Resources": {"Thing": resource}})


def test_unknown_template_section_is_refused(cloud):
    template = {"Resources": {}, "Transform": "AWS::LanguageExtensions"}

    with pytest.raises(DeploymentError, match=r"unknown sections \['Transform'\]"):
        cloud.deploy_template(template)


def test_parameters_have_their_default_values(cloud):
    cloud.client("ssm").put_parameter(Name="/network", Type="String", Value="vpc-1")
    template = {
        "Parameters": {
            "Network": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/network"},
            "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/version"},
            "Seconds": {"Type": "Number", "Default": 5},
            "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        },
        "Resources": {
            "Name": parameter({"Fn::Sub": ["${Network} ${zone}", {"zone": {"Fn::Select": [1, {"Ref": "Zones"}]}}]}),
            "Queue": {**QUEUE, "Properties": {"DelaySeconds": {"Ref": "Seconds"}}},
        },
    }

    deployment = cloud.deploy_template(template)

    values = {resource.logical_id: resource.properties for resource in deployment.resources}
    assert values["Name"]["Value"] == "vpc-1 b"
    assert values["Queue"]["DelaySeconds"] == 5


def test_parameter_without_a_value_is_refused(cloud):
    with pytest.raises(DeploymentError, match="stack shop: parameter Colour has no default value"):
        cloud.deploy_template({"Resources": {}, "Parameters": {"Colour": {"Type": "String"}}})


def test_stack_imports_exports_of_another_stack(cloud):
    data = {
        "Resources": {"Queue": QUEUE},
        "Outputs": {
            "Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:arn"}}}
        },
    }
    serving = {"Resources": {"Name": parameter({"Fn::ImportValue": "data:arn"})}}
    stacks: dict[str, Any] = {"a-serving": serving, "data": data}
    assembly = write_assembly(cloud.directory, stacks, dependencies={"a-serving": ["data"]})

    deployment = cloud.deploy(assembly)

    queue, name = deployment.resources
    assert (queue.stack, name.stack) == ("data", "a-serving")
    assert name.properties["Value"] == queue.attributes["Arn"] == deployment.outputs["data"]["Arn"]


def test_assets_are_in_their_buckets(cloud):
    twice = asset("states.json")
    twice["destinations"]["second"] = {"bucketName": "other", "objectKey": "states.json"}
    files = {"1": asset("code", packaging="zip"), "2": twice}
    assembly = write_assembly(cloud.directory, {"a": {"Resources": {}}, "b": {"Resources": {}}}, assets=files)
    (assembly / "code").mkdir()
    (assembly / "code" / "index.py").write_text("x = 1")
    (assembly / "states.json").write_text("{}")

    deployment = cloud.deploy(assembly)

    s3, bucket = cloud.client("s3"), f"assets-{ACCOUNT}-{REGION}"
    assert s3.get_object(Bucket=bucket, Key="code")["Body"].read().startswith(b"PK")
    assert [s3.get_object(Bucket=name, Key="states.json")["Body"].read() for name in (bucket, "other")] == [b"{}"] * 2
    assert deployment.assets == {"code": assembly / "code", "states.json": assembly / "states.json"}


def test_stack_for_another_account_is_refused(cloud):
    environment = "aws://111122223333/eu-west-1"
    assembly = write_assembly(cloud.directory, {"shop": {"Resources": {}}}, environment=environment)

    with pytest.raises(DeploymentError, match="made for account 111122223333, but this cloud is 123456789012"):
        cloud.deploy(assembly)


def test_pseudo_parameters_describe_the_stack(cloud):
    names = "${AWS::Region} ${AWS::AccountId} ${AWS::Partition} ${AWS::StackName} ${AWS::URLSuffix}"

    deployment = cloud.deploy_template({"Resources": {"Name": parameter({"Fn::Sub": names})}})

    assert deployment.resources[0].properties["Value"] == f"{REGION} {ACCOUNT} aws shop amazonaws.com"
