import contextlib
import http.client
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.moto_server import MotoServer
from local_cloud.storage.journal import DataError


@pytest.fixture(scope="module")
def server():
    server = MotoServer()
    yield server
    server.stop()


def client(server, service):
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


@pytest.fixture
def s3(server):
    return client(server, "s3")


def test_connection_stays_open_after_any_response(server, s3):
    s3.create_bucket(Bucket="pages")
    s3.put_object(Bucket="pages", Key="a", Body=b"abc")
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    signature = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
    sockets, answers = set(), []
    for method, path, body in [
        ("GET", "/pages/a", None),
        ("HEAD", "/pages/a", None),
        ("GET", "/pages/none", None),
        ("PUT", "/pages/b", b"x" * 100_000),
        ("DELETE", "/pages/b", None),
        ("GET", "/pages/a", None),
    ]:
        connection.request(method, path, body=body, headers={"Authorization": signature})
        response = connection.getresponse()
        answers.append((response.status, response.read()[:3]))
        sockets.add(connection.sock)
    connection.close()
    assert [status for status, _ in answers] == [200, 200, 404, 200, 204, 200]
    assert (answers[0][1], answers[1][1], answers[-1][1]) == (b"abc", b"", b"abc")
    assert len(sockets) == 1


def test_chunked_and_multipart_objects_are_stored_completely(s3):
    s3.create_bucket(Bucket="parts")
    upload = s3.create_multipart_upload(Bucket="parts", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="parts", Key="big", UploadId=upload, PartNumber=1, Body=b"0123456789" * 600_000)
    s3.complete_multipart_upload(
        Bucket="parts",
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
    )
    assert s3.head_object(Bucket="parts", Key="big")["ContentLength"] == 6_000_000
    assert s3.get_object(Bucket="parts", Key="big", Range="bytes=10-14")["Body"].read() == b"01234"


def test_body_after_expect_100_continue_is_read_immediately(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.putrequest("PUT", "/waiting")
    connection.putheader("Content-Length", "0")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connection.getresponse().status == 200
    connection.close()


def test_request_above_the_largest_body_is_refused_in_xml(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.putrequest("PUT", "/pages/a")
    connection.putheader("Content-Length", "1000000001")
    connection.endheaders()

    response = connection.getresponse()

    assert (response.status, response.getheader("Connection")) == (413, "close")
    assert response.read().startswith(b"<Error>")
    connection.close()


def refuse(_):
    raise DataError("<data> cannot be written: the disk is full")


def status_and_body(connection):
    connection.request("PUT", "/pages/a", body=b"abc")
    response = connection.getresponse()
    return response.status, response.read()


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("s3", "put_object", {"Bucket": "pages", "Key": "a", "Body": b"abc"}),
        ("dynamodb", "get_item", {"TableName": "things", "Key": {"id": {"S": "1"}}}),
        ("kinesis", "list_streams", {}),
    ],
)
def test_request_that_cannot_be_stored_fails_with_the_reason(service, operation, arguments):
    server = MotoServer(changed=refuse)

    with pytest.raises(ClientError, match=r"<data> cannot be written: the disk is full") as raised:
        getattr(client(server, service), operation)(**arguments)

    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    server.stop()


def test_request_on_an_open_connection_fails_after_the_stop():
    changes: list[dict[str, Any]] = []
    server = MotoServer(changed=changes.append)
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    status_and_body(connection)
    server.stop()

    assert status_and_body(connection) == (503, b"")
    connection.close()


def test_requests_are_answered_while_cloudformation_is_imported(server, s3, monkeypatch):
    name, importing, imported = "moto.cloudformation.responses", threading.Event(), threading.Event()

    class SlowImport:
        def find_spec(self, module: str, *_: Any) -> None:
            if module == name:
                importing.set()
                imported.wait(60)

    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [SlowImport(), *sys.meta_path])
    with ThreadPoolExecutor(2) as threads:
        stacks = threads.submit(client(server, "cloudformation").describe_stacks)
        assert importing.wait(60)
        buckets = threads.submit(s3.list_buckets)
        try:
            assert "Buckets" in buckets.result(10)
        finally:
            imported.set()

    assert stacks.result()["Stacks"] == []


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("s3", "put_object", {"Bucket": "direct", "Key": "a b/ü+x", "Body": b"abc", "Metadata": {"a_b": "c"}}),
        ("s3", "put_object", {"Bucket": "direct", "Key": "stored", "Body": b"z", "IfNoneMatch": "*"}),
        ("s3", "put_object", {"Bucket": "missing", "Key": "a/b", "Body": b"z"}),
        ("dynamodb", "get_item", {"TableName": "things", "Key": {"id": {"S": "ü"}}}),
        ("dynamodb", "get_item", {"TableName": "missing", "Key": {"id": {"S": "1"}}}),
        (
            "dynamodb",
            "put_item",
            {"TableName": "things", "Item": {"id": {"S": "ü"}}, "ConditionExpression": "attribute_not_exists(id)"},
        ),
    ],
)
def test_request_without_flask_has_the_response_of_flask(server, monkeypatch, service, operation, arguments):
    s3, dynamodb = client(server, "s3"), client(server, "dynamodb")

    def respond():
        try:
            response = getattr({"s3": s3, "dynamodb": dynamodb}[service], operation)(**arguments)
        except ClientError as error:
            response = error.response
        response["ResponseMetadata"] = response["ResponseMetadata"]["HTTPStatusCode"]
        return response

    s3.create_bucket(Bucket="direct")
    s3.put_object(Bucket="direct", Key="stored", Body=b"a")
    with contextlib.suppress(ClientError):
        dynamodb.create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    dynamodb.put_item(TableName="things", Item={"id": {"S": "ü"}})
    direct = respond()

    monkeypatch.setattr("local_cloud.moto_server._handler", lambda environ: None)

    assert direct == respond()
