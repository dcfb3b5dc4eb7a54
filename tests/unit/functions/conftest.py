import functools
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.session import Session
from moto import mock_aws

import alsolike.aws
from alsolike.configuration_store import ConfigurationStore
from alsolike.observability import logger
from alsolike.pseudonyms import Pseudonyms
from alsolike.tombstones import add_tombstone
from tests.unit.functions.cloud import REGION, create_bucket, create_table
from tests.unit.functions.factories import NOW_MS, LambdaContext


@pytest.fixture(scope="session")
def boto3_session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


@pytest.fixture(scope="session")
def functions_session() -> Session:
    """What functions make their clients from, with the descriptions that their layer brings and no others."""
    session = alsolike.aws.session.__wrapped__()
    session.set_credentials("test", "test")
    session.set_config_variable("region", REGION)
    return session


@pytest.fixture(scope="module")
def clients(boto3_session: boto3.Session) -> Iterator[Callable[[str], Any]]:
    """One client a service for many tests: reading a service's description takes longer than most tests."""
    alsolike.aws.client.cache_clear()
    yield functools.cache(boto3_session.client)
    alsolike.aws.client.cache_clear()


@pytest.fixture
def aws(
    boto3_session: boto3.Session,
    functions_session: Session,
    clients: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], Any]]:
    """AWS in this process, empty; call it with a service for a client."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3_session)
        monkeypatch.setattr(alsolike.aws, "session", lambda: functions_session)
        yield clients


@pytest.fixture
def context() -> LambdaContext:
    return LambdaContext()


@pytest.fixture
def profiles_table(aws: Callable[[str], Any]) -> str:
    return create_table(aws("dynamodb"), "profiles", key="profile_id")


@pytest.fixture
def catalogue_table(aws: Callable[[str], Any]) -> str:
    return create_table(aws("dynamodb"), "catalogue", key="item_id")


@pytest.fixture
def users_table(aws: Callable[[str], Any]) -> str:
    return create_table(aws("dynamodb"), "users", key="user_id")


@pytest.fixture
def lake_bucket(aws: Callable[[str], Any]) -> str:
    return create_bucket(aws("s3"), "lake-bucket")


@pytest.fixture
def artefact_bucket(aws: Callable[[str], Any]) -> str:
    return create_bucket(aws("s3"), "artefact-bucket")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Return what the functions have logged."""
    lines = io.StringIO()
    for log_handler in logger.handlers:
        monkeypatch.setattr(log_handler, "stream", lines)
    return lines.getvalue


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, float]]:
    """Return the metrics that were written since the last call, by name."""

    def read() -> dict[str, float]:
        values: dict[str, float] = {}
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line)
            for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    values[metric["Name"]] = values.get(metric["Name"], 0) + sum(document[metric["Name"]])
        return values

    return read


@pytest.fixture
def pseudonyms(aws: Callable[[str], Any]) -> Pseudonyms:
    """The hashes under the secret that functions read as `the-key`."""
    aws("secretsmanager").create_secret(Name="the-key", SecretString="k" * 64)
    return Pseudonyms(b"k" * 64)


@pytest.fixture
def erase(aws: Callable[[str], Any], artefact_bucket: str, pseudonyms: Pseudonyms) -> Callable[[str], None]:
    """Write the tombstone of a user."""

    def write(user: str) -> None:
        add_tombstone(aws("s3"), artefact_bucket, pseudonyms.erased_user(user), now_ms=1)

    return write


@pytest.fixture
def configure(aws: Callable[[str], Any], artefact_bucket: str) -> Callable[[dict[str, Any]], None]:
    """Apply a configuration."""

    def apply(document: dict[str, Any]) -> None:
        store = ConfigurationStore(aws("s3"), artefact_bucket)
        store.apply(store.current(), {"format": 1, **document}, text="", by="test", reason="test", now_ms=NOW_MS)

    return apply
