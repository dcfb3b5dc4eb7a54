"""Operations and parameters of the requests that boto3 sends."""

import gzip
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from local_cloud.permissions.operations import UnknownOperationError
from local_cloud.permissions.requests import Signer, decode, signer_of

KEY = "ASIAABCDEFGHIJKLMNOP"


class _Sent(Exception):
    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        self.environ = environ
        self.body = body


def _client(service, **options):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id=KEY,
        aws_secret_access_key="secret",
        config=Config(s3={"addressing_style": "path"}, parameter_validation=False, **options),
    )


def _environ(method, url, headers):
    parts = urlsplit(url)
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": parts.path.replace("%20", " ").replace("%3A", ":"),
        "RAW_URI": f"{parts.path}?{parts.query}",
        "QUERY_STRING": parts.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "1",
        "wsgi.url_scheme": "http",
    }
    for name, value in headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        header = name.upper().replace("-", "_")
        environ[header if header in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{header}"] = text
    return environ


def _sent(service, operation, **parameters):
    def stop(request, **_):
        body = request.body.read() if hasattr(request.body, "read") else request.body
        content = body.encode() if isinstance(body, str) else bytes(body or b"")
        raise _Sent(_environ(request.method, request.url, request.headers), content)

    client = _client(service)
    client.meta.events.register("before-send", stop)
    with pytest.raises(_Sent) as sent:
        getattr(client, operation)(**parameters)
    return sent.value


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "name"),
    [
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "b"}}}, "dynamodb:GetItem"),
        ("kinesis", "put_records", {"StreamName": "s", "Records": []}, "kinesis:PutRecords"),
        ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, "cloudwatch:PutMetricData"),
        ("stepfunctions", "start_execution", {"stateMachineArn": "m"}, "states:StartExecution"),
        ("sagemaker", "describe_training_job", {"TrainingJobName": "j"}, "sagemaker:DescribeTrainingJob"),
        ("sns", "publish", {"TopicArn": "t", "Message": "m"}, "sns:Publish"),
        ("cloudformation", "get_template", {"StackName": "s"}, "cloudformation:GetTemplate"),
        ("lambda", "invoke", {"FunctionName": "f", "Qualifier": "live"}, "lambda:Invoke"),
        ("lambda", "invoke", {"FunctionName": "arn:aws:lambda:us-east-1:1:function:f:live"}, "lambda:Invoke"),
        ("lambda", "get_event_source_mapping", {"UUID": "u"}, "lambda:GetEventSourceMapping"),
        ("s3", "get_object", {"Bucket": "b", "Key": "a/b c"}, "s3:GetObject"),
        ("s3", "head_object", {"Bucket": "b", "Key": "k", "VersionId": "1"}, "s3:HeadObject"),
        ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "a/b"}, "s3:ListObjectsV2"),
        ("s3", "list_object_versions", {"Bucket": "b"}, "s3:ListObjectVersions"),
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "IfMatch": "e"}, "s3:PutObject"),
        ("s3", "upload_part", {"Bucket": "b", "Key": "k", "PartNumber": 1, "UploadId": "u"}, "s3:UploadPart"),
        ("s3", "abort_multipart_upload", {"Bucket": "b", "Key": "k", "UploadId": "u"}, "s3:AbortMultipartUpload"),
        ("s3", "copy_object", {"Bucket": "b", "Key": "k", "CopySource": "c/d"}, "s3:CopyObject"),
        ("s3", "delete_objects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "delete"}]}}, "s3:DeleteObjects"),
        ("s3", "delete_object", {"Bucket": "b", "Key": "k"}, "s3:DeleteObject"),
    ],
)
def test_request_of_boto3_is_decoded(service, operation, parameters, name):
    sent = _sent(service, operation, **parameters)

    signer = signer_of(sent.environ)
    assert signer is not None
    decoded, found = decode(sent.environ, sent.body, signer.service)

    assert signer.access_key == KEY
    assert decoded == name
    assert {key: found[key] for key in parameters if key in found} == {
        key: value for key, value in parameters.items() if key in found
    }
    assert parameters.keys() - found.keys() <= {"PartNumber"}


def test_compressed_request_is_decoded():
    environ = _environ("POST", "http://h/", {"X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"})
    environ["HTTP_CONTENT_ENCODING"] = "gzip"

    assert decode(environ, gzip.compress(b'{"Namespace": "n"}'), "cloudwatch")[1] == {"Namespace": "n"}


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_request_names_its_signer(version):
    url = _client("s3", signature_version=version).generate_presigned_url(
        "get_object", Params={"Bucket": "b", "Key": "k"}
    )

    assert signer_of(_environ("GET", url, {})) == Signer(KEY, "s3")


def test_unsigned_request_has_no_signer():
    assert signer_of(_environ("GET", "http://h/b/k", {})) is None


@pytest.mark.parametrize(
    ("service", "method", "path"), [("lambda", "GET", "/nothing"), ("sns", "POST", "/"), ("nothing", "GET", "/")]
)
def test_request_of_no_operation_is_an_error(service, method, path):
    with pytest.raises(UnknownOperationError, match=f"{service}: {method} {path}"):
        decode(_environ(method, f"http://h{path}", {}), b"", service)
