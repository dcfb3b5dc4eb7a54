import io
import json
import zipfile
from typing import Any

import pytest

from assemblies import asset, write_assembly
from local_cloud.deployer import Deployment, DeploymentError
from moto_cloud import ACCOUNT, REGION, MotoCloud

ASSETS = {"code": asset("code", packaging="zip"), "layer": asset("layer", packaging="zip")}
BUCKET = f"assets-{ACCOUNT}-{REGION}"
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}
EXTERNAL_LAYER = f"arn:aws:lambda:{REGION}:336392948345:layer:AWSSDKPandas-Python313-Arm64:1"
FUNCTION: dict[str, Any] = {
    "Code": {"S3Bucket": BUCKET, "S3Key": "code"},
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Runtime": "python3.13",
    "Handler": "index.handler",
}


def function(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Function", "Properties": FUNCTION | properties}


def deploy(cloud: MotoCloud, **resources: dict[str, Any]) -> Deployment:
    """Deploy a role and `resources`. The assets are `code` and `layer`."""
    template = {"Resources": {"Role": ROLE, **resources}}
    assembly = write_assembly(cloud.directory, {"shop": template}, assets=ASSETS)
    for name in ("code", "layer/python"):
        (assembly / name).mkdir(parents=True)
        (assembly / name / "index.py").write_text("def handler(event, context): return event")
    return cloud.deploy(assembly)


def test_function_has_its_configuration(cloud: MotoCloud) -> None:
    layer = {
        "Type": "AWS::Lambda::LayerVersion",
        "Properties": {
            "Content": {"S3Bucket": BUCKET, "S3Key": "layer"},
            "CompatibleRuntimes": ["python3.13"],
            "CompatibleArchitectures": ["arm64"],
        },
    }
    logging = {"LogFormat": "JSON", "LogGroup": "/shop/collect"}

    deployment = deploy(
        cloud,
        Layer=layer,
        Function=function(
            Architectures=["arm64"],
            Description="collects",
            Environment={"Variables": {"STREAM_NAME": "events"}},
            EphemeralStorage={"Size": 1024},
            Layers=[{"Ref": "Layer"}, EXTERNAL_LAYER],
            LoggingConfig=logging,
            MemorySize=256,
            ReservedConcurrentExecutions=2,
            SnapStart={"ApplyOn": "PublishedVersions"},
            Tags=[{"Key": "team", "Value": "shop"}],
            Timeout=10,
            TracingConfig={"Mode": "Active"},
        ),
    )

    (created,) = deployment.of_type("AWS::Lambda::Function")
    (own_layer,) = deployment.of_type("AWS::Lambda::LayerVersion")
    client = cloud.client("lambda")
    answer = client.get_function(FunctionName=created.physical_id)
    stored = answer["Configuration"]
    assert stored["FunctionArn"] == created.attributes["Arn"]
    assert (stored["Runtime"], stored["Handler"]) == ("python3.13", "index.handler")
    assert (stored["MemorySize"], stored["Timeout"]) == (256, 10)
    assert stored["Architectures"] == ["arm64"]
    assert stored["Environment"]["Variables"] == {"STREAM_NAME": "events"}
    assert stored["EphemeralStorage"] == {"Size": 1024}
    assert stored["TracingConfig"]["Mode"] == "Active"
    assert [layer["Arn"] for layer in stored["Layers"]] == [own_layer.physical_id]
    assert answer["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    assert answer["Tags"] == {"team": "shop"}
    assert created.properties["Layers"] == [own_layer.physical_id, EXTERNAL_LAYER]
    assert created.properties["LoggingConfig"] == logging
    assert created.properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_layer_of_a_public_aws_parameter_is_not_stored(cloud: MotoCloud) -> None:
    deployment = deploy(cloud, Function=function(Layers=["{{resolve:ssm:/aws/service/pandas/1/layer-arn}}"]))

    (created,) = deployment.of_type("AWS::Lambda::Function")
    stored = cloud.client("lambda").get_function(FunctionName=created.physical_id)["Configuration"]
    assert created.properties["Layers"] == ["/aws/service/pandas/1/layer-arn"]
    assert stored.get("Layers", []) == []


@pytest.mark.parametrize(("runtime", "file"), [("python3.13", "index.py"), ("nodejs22.x", "index.js")])
def test_inline_code_is_a_file_of_its_language(cloud: MotoCloud, runtime: str, file: str) -> None:
    deployment = deploy(cloud, Function=function(Runtime=runtime, Code={"ZipFile": "text"}))

    (created,) = deployment.of_type("AWS::Lambda::Function")
    expected = io.BytesIO()
    with zipfile.ZipFile(expected, "w") as archive:
        archive.writestr(file, "text")
    stored = cloud.client("lambda").get_function_configuration(FunctionName=created.physical_id)
    assert stored["CodeSize"] == len(expected.getvalue())


def test_alias_has_the_invoke_permission_of_the_template(cloud: MotoCloud) -> None:
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}
    alias = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "Name": "live",
            "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1},
        },
    }
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Alias"},
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api/*/*/events",
        },
    }

    deployment = deploy(cloud, Function=function(), Version=version, Alias=alias, Permission=permission)

    (created,) = deployment.of_type("AWS::Lambda::Alias")
    (function_name,) = (resource.physical_id for resource in deployment.of_type("AWS::Lambda::Function"))
    client = cloud.client("lambda")
    stored = client.get_alias(FunctionName=function_name, Name="live")
    assert (stored["AliasArn"], stored["FunctionVersion"]) == (created.physical_id, "1")
    policy = json.loads(client.get_policy(FunctionName=function_name, Qualifier="live")["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert statement["Resource"] == created.physical_id


def test_event_source_mapping_has_the_settings_of_pollers(cloud: MotoCloud) -> None:
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
    settings: dict[str, Any] = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::lake"}},
        "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"kind": ["view"]}}'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": 1,
        "MaximumRecordAgeInSeconds": 3600,
        "MaximumRetryAttempts": 2,
        "ParallelizationFactor": 2,
        "StartingPosition": "TRIM_HORIZON",
    }
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Stream", "Arn"]},
            "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
            **settings,
        },
    }

    deployment = deploy(cloud, Stream=stream, Function=function(), Mapping=mapping)

    (created,) = deployment.of_type("AWS::Lambda::EventSourceMapping")
    stored = cloud.client("lambda").get_event_source_mapping(UUID=created.physical_id)
    assert {name: stored[name] for name in settings} == settings
    assert {name: created.properties[name] for name in settings} == settings
    assert created.attributes["Id"] == created.physical_id


def test_msk_cluster_is_refused(cloud: MotoCloud) -> None:
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


def test_event_invoke_config_is_stored(cloud: MotoCloud) -> None:
    config = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 1,
            "MaximumEventAgeInSeconds": 60,
        },
    }

    deployment = deploy(cloud, Function=function(), Config=config)

    (created,) = deployment.of_type("AWS::Lambda::Function")
    stored = cloud.client("lambda").get_function_event_invoke_config(FunctionName=created.physical_id)
    assert (stored["MaximumRetryAttempts"], stored["MaximumEventAgeInSeconds"]) == (1, 60)


def state_machine(**properties: Any) -> dict[str, Any]:
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
def test_state_machine_has_its_definition_with_substitutions(cloud: MotoCloud, definition: dict[str, Any]) -> None:
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


def test_state_machine_logs_and_traces(cloud: MotoCloud) -> None:
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:training:*"
    machine = state_machine(
        DefinitionString=json.dumps(DEFINITION),
        StateMachineType="EXPRESS",
        TracingConfiguration={"Enabled": True},
        LoggingConfiguration={
            "Level": "ALL",
            "IncludeExecutionData": True,
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": log_group}}],
        },
        Tags=[{"Key": "team", "Value": "shop"}],
    )

    deployment = deploy(cloud, Machine=machine)

    (created,) = deployment.of_type("AWS::StepFunctions::StateMachine")
    stored = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=created.physical_id)
    assert stored["type"] == "EXPRESS"
    assert stored["tracingConfiguration"] == {"enabled": True}
    assert stored["loggingConfiguration"] == {
        "level": "ALL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": log_group}}],
    }
