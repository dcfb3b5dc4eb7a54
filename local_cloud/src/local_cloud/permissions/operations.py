"""Table of the permissions that AWS requires for each operation.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from local_cloud.permissions.policy import Need

Parameters = Mapping[str, Any]
"""Parameters of a request, with boto3's names."""


class UnknownOperationError(Exception):
    def __init__(self, operation: str) -> None:
        super().__init__(
            f"the embedded cloud does not know the permissions of {operation}; add it to {__name__}, or start with"
            " --permissions warn"
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Region and account of resources that requests identify without an ARN."""

    region: str
    account: str

    def arn(self, service: str, resource: str, name: str) -> str:
        """Return the ARN of a resource that a request identifies by name or ARN.

        `resource` is a format string that contains the name as `{}`.
        """
        place = f"arn:aws:{service}:{self.region}:{self.account}"
        return name if name.startswith("arn:") else f"{place}:{resource.format(name)}"


Rule = Callable[[Parameters, Place], Iterable[Need]]
_Resource = Callable[[Parameters, Place], str]


def needs(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return the permissions that a request needs. `operation` starts with the service's prefix in IAM."""
    rule = OPERATIONS.get(operation)
    if rule is None:
        raise UnknownOperationError(operation)
    return list(rule(parameters, place))


def need_of_absence(operation: str, parameters: Parameters) -> Need | None:
    """Return the permission that a 404 response for a missing object requires. Without it, S3 returns 403.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
    """
    if operation not in ("s3:GetObject", "s3:HeadObject"):
        return None
    return Need("s3:ListBucket", _bucket(parameters))


def _rules(service: str, resource: _Resource, *operations: str, **others: str) -> dict[str, Rule]:
    """Return the rules of operations that need one permission.

    The action has the name of the operation, except for `others`, which maps operations to actions.
    """

    def rule(action: str) -> Rule:
        return lambda parameters, place: [Need(f"{service}:{action}", resource(parameters, place))]

    actions = {operation: operation for operation in operations} | others
    return {f"{service}:{operation}": rule(action) for operation, action in actions.items()}


def _any_resource(_: Parameters, __: Place) -> str:
    return "*"


def _named(service: str, resource: str, *parameters: str) -> _Resource:
    """Return a function that returns the ARN of a request's resource.

    The first of `parameters` that the request has contains the name or the ARN. `resource` is a format string that
    contains the name as `{}`.
    """

    def arn(given: Parameters, place: Place) -> str:
        name = given[next(filter(given.get, parameters), parameters[0])]
        return place.arn(service, resource, str(name))

    return arn


# ---- S3


def _bucket(parameters: Parameters, _: Place | None = None) -> str:
    return f"arn:aws:s3:::{parameters['Bucket']}"


def _object(parameters: Parameters, _: Place | None = None) -> str:
    return f"{_bucket(parameters)}/{parameters['Key']}"


def _on_version(operation: str, action: str) -> dict[str, Rule]:
    def rule(parameters: Parameters, _: Place) -> Iterator[Need]:
        yield Need(f"s3:{action}Version" if parameters.get("VersionId") else f"s3:{action}", _object(parameters))

    return {f"s3:{operation}": rule}


def _write(parameters: Parameters, _: Place) -> Iterator[Need]:
    written = _object(parameters)
    yield Need("s3:PutObject", written)
    if parameters.get("Tagging"):
        yield Need("s3:PutObjectTagging", written)
    if parameters.get("ACL"):
        yield Need("s3:PutObjectAcl", written)
    if parameters.get("IfMatch"):
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        yield Need("s3:GetObject", written)


def _copy(parameters: Parameters, place: Place) -> Iterator[Need]:
    source = parameters["CopySource"]
    if not isinstance(source, str):
        version = source.get("VersionId")
        bucket, key = source["Bucket"], source["Key"]
    else:
        path, _, version = source.partition("?versionId=")
        bucket, _, key = unquote(path).removeprefix("/").partition("/")
    yield Need("s3:GetObjectVersion" if version else "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    yield from _write(parameters, place)


def _delete_objects(parameters: Parameters, _: Place) -> Iterator[Need]:
    for entry in parameters["Delete"]["Objects"]:
        action = "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject"
        yield Need(action, f"{_bucket(parameters)}/{entry['Key']}")


_S3: Final[Mapping[str, Rule]] = {
    **_rules("s3", _bucket, ListObjects="ListBucket", ListObjectsV2="ListBucket", HeadBucket="ListBucket"),
    **_rules("s3", _bucket, "GetBucketLocation", ListObjectVersions="ListBucketVersions"),
    **_rules("s3", _object, "AbortMultipartUpload", ListParts="ListMultipartUploadParts"),
    **_on_version("GetObject", "GetObject"),
    **_on_version("HeadObject", "GetObject"),
    **_on_version("DeleteObject", "DeleteObject"),
    **dict.fromkeys(
        ("s3:PutObject", "s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload"), _write
    ),
    "s3:CopyObject": _copy,
    "s3:UploadPartCopy": _copy,
    "s3:DeleteObjects": _delete_objects,
}

# ---- DynamoDB

_EXPRESSIONS: Final = (
    "ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression",
)  # fmt: skip
_NESTED: Final = re.compile(r"\.[#\w]+|\[\d+\]")
_ATTRIBUTE: Final = re.compile(r"(?<![:#\w])(#?[A-Za-z_]\w*)(?!\w|\s*\()")
_KEYWORDS: Final = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"})


def attributes_of(parameters: Parameters) -> frozenset[str]:
    """Return the top-level attributes in a request to DynamoDB: the values of the condition key `dynamodb:Attributes`.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    names = {*parameters.get("Key", ()), *parameters.get("Item", ()), *parameters.get("AttributesToGet", ())}
    for key in parameters.get("Keys", ()):
        names |= key.keys()
    aliases = parameters.get("ExpressionAttributeNames", {})
    for expression in _EXPRESSIONS:
        for name in _ATTRIBUTE.findall(_NESTED.sub("", parameters.get(expression, ""))):
            if name.upper() not in _KEYWORDS:
                names.add(aliases.get(name, name))
    return frozenset(names)


def _on_table(action: str, table: str, place: Place, request: Parameters) -> Need:
    arn = place.arn("dynamodb", "table/{}", table)
    if index := request.get("IndexName"):
        arn = f"{arn}/index/{index}"
    return Need(f"dynamodb:{action}", arn, context=lambda: {"dynamodb:Attributes": attributes_of(request)})


def _table(*actions: str) -> dict[str, Rule]:
    def rule(action: str) -> Rule:
        return lambda parameters, place: [_on_table(action, parameters["TableName"], place, parameters)]

    return {f"dynamodb:{action}": rule(action) for action in actions}


def _batch_get(parameters: Parameters, place: Place) -> Iterator[Need]:
    for table, request in parameters["RequestItems"].items():
        yield _on_table("BatchGetItem", table, place, request)


def _batch_write(parameters: Parameters, place: Place) -> Iterator[Need]:
    for table, writes in parameters["RequestItems"].items():
        # A put uses the attributes of its item, and a deletion uses the attributes of the key.
        named = [attributes for write in writes for request in write.values() for attributes in request.values()]
        yield _on_table("BatchWriteItem", table, place, {"Keys": named})


def _transaction(parameters: Parameters, place: Place) -> Iterator[Need]:
    for step in parameters["TransactItems"]:
        ((kind, request),) = step.items()
        yield _on_table(f"{kind}Item", request["TableName"], place, request)


_DYNAMODB: Final[Mapping[str, Rule]] = {
    **_table("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable"),
    "dynamodb:BatchGetItem": _batch_get,
    "dynamodb:BatchWriteItem": _batch_write,
    "dynamodb:TransactGetItems": _transaction,
    "dynamodb:TransactWriteItems": _transaction,
    **_rules("dynamodb", _named("dynamodb", "{}", "StreamArn"), "DescribeStream", "GetShardIterator"),
    **_rules("dynamodb", _any_resource, "ListStreams"),
}

# ---- other services

_KEY_ID_BYTES: Final = 36
"""Length of the key ID at the start of moto's ciphertexts."""


def _function(parameters: Parameters, place: Place) -> str:
    arn = place.arn("lambda", "function:{}", parameters["FunctionName"])
    qualifier = parameters.get("Qualifier")
    return f"{arn}:{qualifier}" if qualifier and len(arn.split(":")) == 7 else arn


def _parameters(parameters: Parameters, place: Place) -> Iterator[Need]:
    for name in parameters["Names"]:
        yield Need("ssm:GetParameters", _parameter({"Name": name}, place))


def _parameter(parameters: Parameters, place: Place) -> str:
    return place.arn("ssm", "parameter/{}", parameters["Name"].lstrip("/"))


def _queue(parameters: Parameters, place: Place) -> str:
    return place.arn("sqs", "{}", parameters["QueueUrl"].rpartition("/")[2])


def _log_group(parameters: Parameters, place: Place) -> str:
    name = parameters.get("logGroupIdentifier") or parameters["logGroupName"]
    return f"{place.arn('logs', 'log-group:{}', name).removesuffix(':*')}:*"


def _log_stream(parameters: Parameters, place: Place) -> str:
    return f"{_log_group(parameters, place).removesuffix('*')}log-stream:{parameters['logStreamName']}"


def _key(parameters: Parameters, place: Place) -> str:
    name = parameters.get("KeyId")
    if not name:
        blob = parameters["CiphertextBlob"]
        ciphertext = base64.b64decode(blob) if isinstance(blob, str) else bytes(blob)
        name = ciphertext[:_KEY_ID_BYTES].decode(errors="replace")
    return place.arn("kms", "key/{}", name)


def _put_metrics(parameters: Parameters, _: Place) -> Iterator[Need]:
    yield Need("cloudwatch:PutMetricData", "*", context=lambda: {"cloudwatch:namespace": (parameters["Namespace"],)})


_training_job: Final = _named("sagemaker", "training-job/{}", "TrainingJobName")
_package_group: Final = _named("sagemaker", "model-package-group/{}", "ModelPackageGroupName")


def _create_training_job(parameters: Parameters, place: Place) -> Iterator[Need]:
    job = _training_job(parameters, place)
    yield Need("sagemaker:CreateTrainingJob", job)
    if parameters.get("Tags"):
        yield Need("sagemaker:AddTags", job)
    if key := parameters.get("ResourceConfig", {}).get("VolumeKmsKeyId"):
        via = (f"sagemaker.{place.region}.amazonaws.com",)
        yield Need("kms:CreateGrant", key, context=lambda: {"kms:ViaService": via})
    yield Need(
        "iam:PassRole",
        parameters["RoleArn"],
        context=lambda: {"iam:PassedToService": ("sagemaker.amazonaws.com",)},
    )


def _create_package(parameters: Parameters, place: Place) -> Iterator[Need]:
    group = _package_group(parameters, place)
    yield Need("sagemaker:CreateModelPackage", group)
    # The number of the new version is unknown, so roles have a wildcard in its place.
    yield Need("sagemaker:CreateModelPackage", f"{group.replace(':model-package-group/', ':model-package/')}/1")


OPERATIONS: Final[Mapping[str, Rule]] = {
    **_S3,
    **_DYNAMODB,
    **_rules("cloudformation", _named("cloudformation", "stack/{}/id", "StackName"), "GetTemplate"),
    **_rules("cloudwatch", _any_resource, "DescribeAlarms", "ListMetrics", "GetMetricData"),
    **_rules("glue", _named("glue", "job/{}", "JobName"), "StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"),
    **_rules("kinesis", _named("kinesis", "stream/{}", "StreamARN", "StreamName"), "PutRecord", "PutRecords"),
    **_rules("kms", _key, "Decrypt"),
    **_rules("lambda", _function, Invoke="InvokeFunction"),
    **_rules("lambda", _named("lambda", "event-source-mapping:{}", "UUID"), "GetEventSourceMapping"),
    **_rules("logs", _log_group, "DescribeLogStreams", "FilterLogEvents"),
    **_rules("logs", _log_stream, "GetLogEvents"),
    **_rules("sagemaker", _training_job, "DescribeTrainingJob", "StopTrainingJob"),
    **_rules("sagemaker", _package_group, "ListModelPackages"),
    **_rules("sagemaker", _named("sagemaker", "{}", "ModelPackageName"), "DescribeModelPackage"),
    **_rules("sagemaker", _named("sagemaker", "{}", "ModelPackageArn"), "UpdateModelPackage"),
    # The ARN of a secret ends with six random characters.
    **_rules("secretsmanager", _named("secretsmanager", "secret:{}-??????", "SecretId"), "GetSecretValue"),
    **_rules("sns", _named("sns", "{}", "TopicArn", "TargetArn"), "Publish"),
    **_rules("sqs", _queue, "SendMessage"),
    **_rules("ssm", _parameter, "GetParameter"),
    **_rules("states", _named("states", "{}", "stateMachineArn"), "StartExecution"),
    **_rules("states", _named("states", "{}", "stateMachineArn", "mapRunArn"), "ListExecutions"),
    **_rules(
        "states", _named("states", "{}", "executionArn"), "DescribeExecution", "GetExecutionHistory", "StopExecution"
    ),
    "cloudwatch:PutMetricData": _put_metrics,
    "sagemaker:CreateTrainingJob": _create_training_job,
    "sagemaker:CreateModelPackage": _create_package,
    "ssm:GetParameters": _parameters,
    "sts:GetCallerIdentity": lambda _, __: [],
}
