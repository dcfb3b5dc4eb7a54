"""One client of each service per process."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, DataNotFoundError
from botocore.loaders import Loader
from botocore.session import get_session

from alsolike.runtime import aws


def test_a_process_has_one_client_of_a_service_with_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    aws.client.cache_clear()

    client = aws.client("kinesis", read_timeout_s=3, attempts=1)

    assert aws.client("kinesis", read_timeout_s=3, attempts=1) is client
    assert aws.client("kinesis") is not client
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.read_timeout == 3
    assert client.meta.config.retries["total_max_attempts"] == 1
    aws.client.cache_clear()


def test_client_of_a_service_that_there_is_not_is_refused() -> None:
    with pytest.raises(DataNotFoundError, match="kinesys"):
        aws.session().create_client("kinesys", region_name="eu-west-1")


def test_what_the_layer_does_not_describe_is_what_botocore_itself_reads() -> None:
    aws.session.cache_clear()  # a client changes what its session has read
    loader, botocores = aws.session().get_component("data_loader"), Loader()

    for name in ("partitions", "stepfunctions/2016-11-23/service-2", "s3/2006-03-01/endpoint-rule-set-1"):
        assert loader.load_data(name) == botocores.load_data(name)
    assert {*botocores.list_available_services("service-2")} <= {*loader.list_available_services("service-2")}


SERVICES = (
    "cloudformation", "cloudwatch", "dynamodb", "kinesis", "lambda",
    "s3", "sagemaker", "secretsmanager", "stepfunctions",
)  # fmt: skip


REGIONS = ("eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "eu-south-9")


def called_and_signed(client: Any, operation: str, region: str) -> tuple[Any, ...]:
    """Return where and how a client sends a call."""
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
def test_clients_call_and_sign_as_botocores_do(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws.session.cache_clear()
    sessions = aws.session(), get_session()
    for region in REGIONS:
        ours, botocores = (
            session.create_client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="s")
            for session in sessions
        )
        operations = ours.meta.service_model.operation_names
        operation = next((name for name in ("GetObject", "GetItem") if name in operations), operations[0])

        assert called_and_signed(ours, operation, region) == called_and_signed(botocores, operation, region)


def test_errors_of_a_call_have_botocores_classes() -> None:
    s3 = aws.session().create_client("s3", region_name="eu-west-1")

    assert issubclass(s3.exceptions.NoSuchKey, ClientError)
    assert not hasattr(s3, "create_bucket")  # no function calls this operation
