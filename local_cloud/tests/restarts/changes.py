"""Changes of resources through their APIs, one function per resource type that holds data."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from local_cloud.deployment import Clients, Resource

WITHOUT_DATA: Final = frozenset(
    f"AWS::{name}"
    for name in (
        "ApiGatewayV2::Api", "ApiGatewayV2::Authorizer", "ApiGatewayV2::Integration", "ApiGatewayV2::Route",
        "ApiGatewayV2::Stage", "Budgets::Budget", "CloudFront::Distribution", "CloudFront::OriginAccessControl",
        "CloudFront::ResponseHeadersPolicy", "CloudWatch::CompositeAlarm", "CloudWatch::Dashboard",
        "CodeDeploy::Application", "CodeDeploy::DeploymentGroup",
        "Cognito::UserPoolClient", "Cognito::UserPoolDomain", "Cognito::UserPoolResourceServer", "Events::EventBus",
        "Events::Rule", "Glue::Job", "Glue::SecurityConfiguration", "IAM::ManagedPolicy", "IAM::Policy", "IAM::Role",
        "KMS::Alias", "Lambda::Alias", "Lambda::EventInvokeConfig", "Lambda::EventSourceMapping", "Lambda::Function",
        "Lambda::LayerVersion", "Lambda::Permission", "Lambda::Version",
        "Logs::SubscriptionFilter", "S3::BucketPolicy", "SNS::Subscription", "SNS::Topic", "SNS::TopicPolicy",
        "SQS::QueuePolicy", "Scheduler::Schedule", "Scheduler::ScheduleGroup", "WAFv2::WebACL",
        "Backup::BackupPlan", "Backup::BackupSelection", "Backup::BackupVault", "CloudTrail::Trail",
        "EC2::RouteTable", "EC2::SecurityGroup",
        "EC2::SecurityGroupEgress", "EC2::SecurityGroupIngress", "EC2::Subnet", "EC2::SubnetRouteTableAssociation",
        "ApiGateway::Account", "ApiGateway::Deployment", "ApiGateway::RestApi", "ApiGateway::Stage",
        "ApiGatewayV2::ApiMapping", "ApiGatewayV2::DomainName", "CertificateManager::Certificate",
        "Route53::HealthCheck", "Route53::RecordSet", "EC2::VPC", "EC2::VPCEndpoint", "Glue::Connection",
    )
)  # fmt: skip
"""Types without data. The state of a resource of these types depends on the template only."""

NOT_KEPT: Final = frozenset({"AWS::Logs::LogGroup", "AWS::Logs::LogStream"})
"""Types with data that a restart loses, as the README documents."""


def _alarm(clients: Clients, alarm: Resource) -> None:
    clients("cloudwatch").put_metric_data(Namespace="Restart", MetricData=[{"MetricName": "Value", "Value": 7}])


def _user_pool(clients: Clients, pool: Resource) -> None:
    cognito, owner = clients("cognito-idp"), {"UserPoolId": pool.physical_id}
    cognito.admin_create_user(**owner, Username="ann", UserAttributes=[{"Name": "email", "Value": "ann@shop.example"}])
    cognito.admin_set_user_password(**owner, Username="ann", Password="Long-enough-1-for-all", Permanent=True)
    cognito.create_group(**owner, GroupName="operators-of-a-restart")
    cognito.admin_add_user_to_group(**owner, Username="ann", GroupName="operators-of-a-restart")


def _table(clients: Clients, table: Resource) -> None:
    dynamodb, name = clients("dynamodb"), table.physical_id
    keys = {key["AttributeName"]: key["AttributeType"] for key in table.properties["AttributeDefinitions"]}

    def item(value: str) -> dict[str, Any]:
        samples = {"S": value, "N": str(len(value)), "B": value.encode()}
        return {key: {kind: samples[kind]} for key, kind in keys.items()}

    dynamodb.put_item(TableName=name, Item=item("a") | {"list": {"L": [{"BOOL": True}, {"NULL": True}]}})
    dynamodb.put_item(TableName=name, Item=item("ab"))
    dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item("abc")}}]})
    dynamodb.delete_item(TableName=name, Key={key: item("ab")[key] for key in _key_names(table)})
    dynamodb.update_item(
        TableName=name,
        Key={key: item("a")[key] for key in _key_names(table)},
        UpdateExpression="SET amount = :amount",
        ExpressionAttributeValues={":amount": {"N": "1.50"}},
    )


def _key_names(table: Resource) -> list[str]:
    return [key["AttributeName"] for key in table.properties["KeySchema"]]


def _glue_database(clients: Clients, database: Resource) -> None:
    clients("glue").create_table(
        DatabaseName=database.physical_id, TableInput={"Name": "own", "Parameters": {"a": "b"}}
    )


def _glue_table(clients: Clients, table: Resource) -> None:
    glue, name = clients("glue"), table.properties["DatabaseName"]
    definition = {**table.properties["TableInput"], "Description": "changed"}
    glue.update_table(DatabaseName=name, TableInput=definition)


def _key(clients: Clients, key: Resource) -> None:
    kms = clients("kms")
    kms.create_grant(KeyId=key.physical_id, GranteePrincipal="arn:aws:iam::123456789012:role/a", Operations=["Decrypt"])
    kms.disable_key(KeyId=key.physical_id)


def _stream(clients: Clients, stream: Resource) -> None:
    clients("kinesis").put_records(
        StreamName=stream.physical_id, Records=[{"Data": name.encode(), "PartitionKey": name} for name in "abc"]
    )


def _bucket(clients: Clients, bucket: Resource) -> None:
    s3, owner = clients("s3"), {"Bucket": bucket.physical_id}
    for content in (b"first", b"second"):
        s3.put_object(**owner, Key="restart/changed", Body=content, Metadata={"a": "b"}, Tagging="colour=red")
    s3.put_object(**owner, Key="restart/deleted", Body=b"deleted")
    s3.copy_object(**owner, Key="restart/copy", CopySource={**owner, "Key": "restart/changed"})
    s3.delete_object(**owner, Key="restart/deleted")
    upload = {**owner, "Key": "restart/parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})


def _model_packages(clients: Clients, group: Resource) -> None:
    sagemaker, name = clients("sagemaker"), group.properties["ModelPackageGroupName"]
    for _ in range(2):
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=name,
            InferenceSpecification={
                "Containers": [{"Image": "image"}], "SupportedContentTypes": [], "SupportedResponseMIMETypes": []
            },
            CustomerMetadataProperties={"a": "b"},
        )["ModelPackageArn"]  # fmt: skip
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_training_job(
        TrainingJobName="restart",
        RoleArn="arn:aws:iam::123456789012:role/training",
        AlgorithmSpecification={
            "TrainingImage": "any", "TrainingInputMode": "File", "ContainerEntrypoint": ["sh", "-c", "exit 0"]
        },
        OutputDataConfig={"S3OutputPath": "s3://cdk-hnb659fds-assets-123456789012-us-east-1/models"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )  # fmt: skip
    _wait(lambda: sagemaker.describe_training_job(TrainingJobName="restart")["TrainingJobStatus"] != "InProgress")


def _secret(clients: Clients, secret: Resource) -> None:
    clients("secretsmanager").put_secret_value(SecretId=secret.physical_id, SecretString="changed")


def _queue(clients: Clients, queue: Resource) -> None:
    sqs = clients("sqs")
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=queue.physical_id, MessageBody=body)


def _parameter(clients: Clients, parameter: Resource) -> None:
    ssm, name = clients("ssm"), parameter.physical_id
    if (
        ssm.get_parameter(Name=name)["Parameter"]["Value"] == parameter.properties["Value"]
    ):  # The value is not replaced with a local address.
        ssm.put_parameter(Name=name, Value="changed", Type=parameter.properties["Type"], Overwrite=True)


def _state_machine(clients: Clients, machine: Resource) -> None:
    states = clients("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine.physical_id, name="restart", input="{}")["executionArn"]
    _wait(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")


def _wait(holds: Callable[[], bool], *, timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


CHANGES: Final[Mapping[str, Callable[[Clients, Resource], None]]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::Cognito::UserPool": _user_pool,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::DynamoDB::Table": _table,
    "AWS::Glue::Database": _glue_database,
    "AWS::Glue::Table": _glue_table,
    "AWS::KMS::Key": _key,
    "AWS::Kinesis::Stream": _stream,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SageMaker::ModelPackageGroup": _model_packages,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
