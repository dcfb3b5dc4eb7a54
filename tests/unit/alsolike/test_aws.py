"""One client of each service per process."""

from __future__ import annotations

import pytest
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from alsolike import aws


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


def test_botocores_descriptions_are_what_botocore_itself_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws.session.cache_clear()  # a client changes what its session has read
    loader, botocores = aws.session().get_component("data_loader"), Loader()

    for name in ("endpoints", "s3/2006-03-01/service-2", "dynamodb/2012-08-10/endpoint-rule-set-1"):
        assert loader.load_data(name) == botocores.load_data(name)
    assert {*botocores.list_available_services("service-2")} <= {*loader.list_available_services("service-2")}
