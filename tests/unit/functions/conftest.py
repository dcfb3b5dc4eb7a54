import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from alsolike.privacy.pseudonyms import Pseudonyms, pseudonyms_of
from alsolike.privacy.tombstones import add_tombstone
from alsolike.runtime.observability import logger
from operations.configuration.configuration_store import ConfigurationStore
from tests.builders.lambda_events import NOW_MS, LambdaContext
from tests.fakes import MemoryCloud
from tests.fakes.places import create_bucket, create_profiles_table, create_table
from tests.unit.functions.grants import Offences


def _forget_handlers() -> None:
    for name, module in sys.modules.items():
        if name.startswith("functions.") and name.endswith((".handler", ".sources")):
            for value in vars(module).values():
                if getattr(value, "__module__", None) == name and hasattr(value, "cache_clear"):
                    value.cache_clear()
    pseudonyms_of.cache_clear()


@pytest.fixture(autouse=True)
def start_new_process() -> Callable[[], None]:
    """Simulate a new process for each test by clearing the cached settings and stores of handlers.

    Return a function that simulates another new process.
    """
    _forget_handlers()
    return _forget_handlers


@pytest.fixture(autouse=True)
def refuse_calls_without_grant(memory_cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a function makes a call that its manifest does not grant."""
    offences = Offences()
    offences.watch(memory_cloud, monkeypatch)
    yield
    assert sorted(offences.calls) == [], "calls without a grant in manifest.py"


@pytest.fixture
def context() -> LambdaContext:
    return LambdaContext()


@pytest.fixture
def profiles_table(aws: Callable[[str], Any]) -> str:
    return create_profiles_table(aws("dynamodb"), "profiles")


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
    """Return a function that returns the log output of the functions."""
    lines = io.StringIO()
    for log_handler in logger.handlers:
        monkeypatch.setattr(log_handler, "stream", lines)
    return lines.getvalue


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, float]]:
    """Return a function that returns the metrics since its last call, by name."""

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
    """Return keyed hashes with the secret `the-key`, which the functions read."""
    aws("secretsmanager").create_secret(Name="the-key", SecretString="k" * 64)
    return Pseudonyms(b"k" * 64)


@pytest.fixture
def erase(aws: Callable[[str], Any], artefact_bucket: str, pseudonyms: Pseudonyms) -> Callable[[str], None]:
    """Return a function that writes the tombstone of a user."""

    def write(user: str) -> None:
        add_tombstone(aws("s3"), artefact_bucket, pseudonyms.erased_user(user), now_ms=1)

    return write


@pytest.fixture
def configure(aws: Callable[[str], Any], artefact_bucket: str) -> Callable[[dict[str, Any]], None]:
    """Return a function that applies a configuration."""

    def apply(document: dict[str, Any]) -> None:
        store = ConfigurationStore(aws("s3"), artefact_bucket)
        store.apply(store.current(), {"format": 1, **document}, text="", by="test", reason="test", now_ms=NOW_MS)

    return apply
