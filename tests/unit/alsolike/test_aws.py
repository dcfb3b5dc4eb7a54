"""One client of each service per process."""

from __future__ import annotations

import pytest

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
