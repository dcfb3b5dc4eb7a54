import io
import json
import zipfile
from typing import Any

import pytest

from assemblies import asset, write_assembly
from local_cloud.deployer import DeploymentError
from moto_cloud import ACCOUNT, REGION

ASSETS = {"code": asset("code", packaging="zip"), "layer": asset("layer", packaging="zip")}
BUCKET = f"assets-{ACCOUNT}-{REGION}"
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
EXTERNAL_LAYER = f"arn:aws:lambda:{REGION}:336392948345:layer:AWSSDKPandas-Python313-Arm64:1"
FUNCTION: dict[str, Any] = {
    "Code": {"S3Bucket": BUCKET, "S3Key": "code"},
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Runtime": "python3.13",
    "Handler": "index.handler",
}


def function(**properties):
    return {"Type": "AWS::Lambda::Function", "Properties": FUNCTION | properties}


def deploy(cloud, **resources):
    """Deploy a role and `resources`. The assets are `code` and `layer`."""
    template = {"Resources": {"Role": ROLE, **resources}}
    assembly = write_assembly(cloud.directory, {"shop": template}, assets=ASSETS)
    for name in ("code", "layer/python"):
        (assembly / name).mkdir(parents=True)
        (assembly / name / "index.py").write_text("def handler(event, context): return event")
    return cloud.deploy(assembly)


def test_function_has_its_configuration(cloud):
    content = {"Content": {"S3Bucket": BUCKET, "S3Key": "layer"}, "CompatibleRuntimes": ["python3.13"]}
    layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": content}
    stored = {
        "Architectures": ["arm64"],
        "Description": "collects",
        "Environment": {"Variables": {"STREAM_NAME": "events"}},
        "EphemeralStorage": {"Size": 1024},
        "Handler": "index.handler",
        "MemorySize": 256,
        "Runtime": "python3.13",
        "Timeout": 10,
        "TracingConfig": {"Mode": "Active"},
    }
    kept = {
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/shop/collect"},
        "SnapStart": {"ApplyOn": "PublishedVersions"},
    }
    more = {"ReservedConcurrentExecutions": 2, "Tags": [{"Key": "team", "Value": "shop"}]}

    made = function(**stored, **kept, **more, Layers=[{"Ref": "Layer"}, EXTERNAL_LAYER])
    deployment = deploy(cloud, Layer=layer, Function=made)

    (created,) = deployment.of_type("AWS::Lambda::Function")
    (own_layer,) = deployment.of_type("AWS::Lambda::LayerVersion")
    answer = cloud.client("lambda").get_function(FunctionName=created.physical_id)
    configuration = answer["Configuration"]
    assert {name: configuration[name] for name in stored} == stored
    assert configuration["FunctionArn"] == created.attributes["Arn"]
    assert [layer["Arn"] for layer in configuration["Layers"]] == [own_layer.physical_id]
    assert (answer["Concurrency"], answer["Tags"]) == ({"ReservedConcurrentExecutions": 2}, {"team": "shop"})
    assert created.properties["Layers"] == [own_layer.physical_id, EXTERNAL_LAYER]
    assert {name: created.properties[name] for name in kept} == kept


def test_layer_of_a_public_aws_parameter_is_not_stored(cloud):
    deployment = deploy(cloud, Function=function(Layers=["{{resolve:ssm:/aws/service/pandas/1/layer-arn}}"]))

    (created,) = deployment.of_type("AWS::Lambda::Function")
    stored = cloud.client("lambda").get_function(FunctionName=created.physical_id)["Configuration"]
    assert created.properties["Layers"] == ["/aws/service/pandas/1/layer-arn"]
    assert stored.get("Layers", []) == []


def test_inline_code_is_a_file(cloud):
    deployment = deploy(cloud, Function=function(Code={"ZipFile": "text"}))

    (created,) = deployment.of_type("AWS::Lambda::Function")
    expected = io.BytesIO()
    with zipfile.ZipFile(expected, "w") as archive:
        archive.writestr("index.py", "text")
    stored = cloud.client("lambda").get_function_configuration(FunctionName=created.physical_id)
    assert stored["CodeSize"] == len(expected.getvalue())


def test_msk_cluster_is_refused(cloud):
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/shop/1-2",
            "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
            "StartingPosition": "TRIM_HORIZON",
            "Topics": ["shop-events"],
        },
    }

    with pytest.raises(DeploymentError, match=r"EventSourceArn: clusters of Amazon MSK exist on AWS only"):
        deploy(cloud, Function=function(), Mapping=mapping)


def state_machine(**properties):
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, **properties},
    }


DEFINITION = {"StartAt": "Notify", "States": {"Notify": {"Type": "Pass", "Result": "${Topic}", "End": True}}}


@pytest.mark.parametrize(
    "definition",
    [
        {"DefinitionString": json.dumps(DEFINITION)},
        {"Definition": DEFINITION},
        {"DefinitionS3Location": {"Bucket": BUCKET, "Key": "states.json"}},
    ],
    ids=["string", "object", "asset"],
)
def test_state_machine_has_its_definition_with_substitutions(cloud, definition):
    machine = state_machine(**definition, DefinitionSubstitutions={"Topic": {"Fn::GetAtt": ["Alerts", "TopicName"]}})
    alerts = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}
    template = {"Resources": {"Role": ROLE, "Alerts": alerts, "Machine": machine}}
    files = {"states": asset("states.json")}
    assembly = write_assembly(cloud.directory, {"shop": template}, assets=files)
    (assembly / "states.json").write_text(json.dumps(DEFINITION))

    deployment = cloud.deploy(assembly)

    (created,) = deployment.of_type("AWS::StepFunctions::StateMachine")
    stored = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=created.physical_id)
    assert json.loads(stored["definition"])["States"]["Notify"]["Result"] == "alerts"
    assert stored["name"] == created.attributes["Name"]
