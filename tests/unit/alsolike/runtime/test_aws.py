from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError, DataNotFoundError, ParamValidationError
from botocore.loaders import Loader
from botocore.session import get_session

from alsolike.runtime import aws as runtime_aws
from tests.fakes.places import create_profiles_table


def test_process_has_one_client_per_service_with_its_timeouts(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    runtime_aws.client.cache_clear()

    client = runtime_aws.client("kinesis", read_timeout_s=3, attempts=1)

    assert runtime_aws.client("kinesis", read_timeout_s=3, attempts=1) is client
    assert runtime_aws.client("kinesis") is not client
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.read_timeout == 3
    assert client.meta.config.retries["total_max_attempts"] == 1
    runtime_aws.client.cache_clear()


def test_unknown_service_is_refused():
    with pytest.raises(DataNotFoundError, match="kinesys"):
        runtime_aws.session().create_client("kinesys", region_name="eu-west-1")


def test_loader_reads_the_data_of_botocore():
    runtime_aws.session.cache_clear()  # Clients change the data that their session has read, so use a new session.
    loader, botocores = runtime_aws.session().get_component("data_loader"), Loader()

    for name in ("partitions", "stepfunctions/2016-11-23/service-2", "s3/2006-03-01/endpoint-rule-set-1"):
        assert loader.load_data(name) == botocores.load_data(name)
    assert {*botocores.list_available_services("service-2")} <= {*loader.list_available_services("service-2")}


SERVICES = (
    "cloudformation", "cloudwatch", "dynamodb", "kinesis", "lambda",
    "s3", "sagemaker", "secretsmanager", "stepfunctions",
)  # fmt: skip


REGIONS = ("eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "eu-south-9")


def called_and_signed(client, operation, region):
    parameters = {"GetObject": {"Bucket": "shop", "Key": "a/b"}, "GetItem": {"TableName": "t", "Key": {}}}
    model = client.meta.service_model.operation_model(operation)
    context: dict[str, Any] = {"client_region": region, "client_config": client.meta.config}
    return (
        client._resolve_endpoint_ruleset(model, parameters.get(operation, {}), context),
        context.get("signing"),
        client.meta.endpoint_url,
        client.meta.config.signature_version,
        client._request_signer.region_name,
        client._request_signer.signing_name,
    )


@pytest.mark.parametrize("service", SERVICES)
def test_clients_send_and_sign_the_same_requests_as_botocore(service, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    runtime_aws.session.cache_clear()
    sessions = runtime_aws.session(), get_session()
    for region in REGIONS:
        ours, botocores = (
            session.create_client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="s")
            for session in sessions
        )
        operations = ours.meta.service_model.operation_names
        operation = next((name for name in ("GetObject", "GetItem") if name in operations), operations[0])

        assert called_and_signed(ours, operation, region) == called_and_signed(botocores, operation, region)


def test_client_errors_have_the_classes_of_botocore():
    s3 = runtime_aws.session().create_client("s3", region_name="eu-west-1")

    assert issubclass(s3.exceptions.NoSuchKey, ClientError)


def test_query_items_are_parsed_as_by_botocore(aws):
    table = create_profiles_table(aws("dynamodb"), "profiles")
    keys = {"profile_id": {"S": "u#1"}, "sort_key": {"S": "1"}}
    item = {**keys, "n": {"N": "1"}, "b": {"BOOL": True}, "m": {"M": {"l": {"L": [{"S": "ä"}]}}}}
    for later in ({}, {"sort_key": {"S": "2"}}):
        aws("dynamodb").put_item(TableName=table, Item={**item, **later})
    request = {"KeyConditionExpression": "profile_id = :p", "ExpressionAttributeValues": {":p": {"S": "u#1"}}}

    found = runtime_aws.client("dynamodb").query(TableName=table, Limit=1, **request)

    expected = aws("dynamodb").query(TableName=table, Limit=1, **request)
    assert {**found, "ResponseMetadata": {}} == {**expected, "ResponseMetadata": {}}
    assert (found["Items"], found["LastEvaluatedKey"]) == ([item], keys)


def test_query_of_a_missing_table_raises_client_error(aws):
    request = {"KeyConditionExpression": "profile_id = :p", "ExpressionAttributeValues": {":p": {"S": "u#1"}}}

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        runtime_aws.client("dynamodb").query(TableName="absent", **request)


@pytest.fixture
def credentials(monkeypatch):
    for name, value in (("DEFAULT_REGION", "eu-west-1"), ("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "s")):
        monkeypatch.setenv(f"AWS_{name}", value)
    runtime_aws.client.cache_clear()
    runtime_aws.session.cache_clear()
    yield
    runtime_aws.client.cache_clear()


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("checks_calls", [True, False])
def test_batch_items_are_sent_as_by_botocore(checks_calls):
    items = [{"id": {"S": f"ü{n}"}, "n": {"N": "1"}, "data": {"B": bytes([n, 255])}} for n in range(3)]
    writes = [*({"PutRequest": {"Item": item}} for item in items), {"DeleteRequest": {"Key": {"id": {"S": "a"}}}}]
    sent = []

    def stop(*, request, **_):
        sent.append((request.url, request.headers["X-Amz-Target"], orjson.loads(request.body)))
        raise StoppedError

    for client in (runtime_aws.client("dynamodb", checks_calls=checks_calls), get_session().create_client("dynamodb")):
        client.meta.events.register("before-send.dynamodb", stop)
        with pytest.raises(StoppedError):
            client.batch_write_item(RequestItems={"t": writes, "u": writes[:1]}, ReturnConsumedCapacity="NONE")

    ours, botocores = sent
    assert ours == botocores


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("checks_calls", [True, False])
def test_batch_writes_are_validated_only_if_enabled(checks_calls):
    def stop(**_):
        raise StoppedError

    client = runtime_aws.client("dynamodb", checks_calls=checks_calls)
    client.meta.events.register("before-send.dynamodb", stop)
    writes = [{"PutRequest": {"Item": {"id": {"S": "a"}}}}, {"PutRequest": {"Item": {"id": {"S": 1}}}}]

    with pytest.raises(ParamValidationError if checks_calls else StoppedError):
        client.batch_write_item(RequestItems={"t": writes})


class StoppedError(Exception):
    """Error that ends a call before it is sent."""
