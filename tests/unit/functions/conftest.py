import functools
import io
import json
import sys
from collections import Counter, defaultdict

import pytest

from alsolike.privacy.pseudonyms import Pseudonyms, pseudonyms_of
from alsolike.privacy.tombstones import add_tombstone
from alsolike.runtime.aws import client
from alsolike.runtime.observability import logger
from tests.builders.lambda_events import LambdaContext
from tests.builders.stores import Stores
from tests.builders.world import World
from tests.fakes.places import create_bucket, create_profiles_table, create_table
from tests.unit.functions.grants import Offences


@functools.cache
def _caches(module):
    values = vars(sys.modules[module]).values()
    return [value for value in values if getattr(value, "__module__", None) == module and hasattr(value, "cache_clear")]


def _forget_handlers():
    for name in list(sys.modules):
        if name.startswith("functions.") and name.endswith((".handler", ".dependencies")):
            for cached in _caches(name):
                cached.cache_clear()
    pseudonyms_of.cache_clear()


@pytest.fixture(autouse=True)
def start_new_process(monkeypatch):
    """Simulate a new process for each test by clearing the cached settings and stores of handlers.

    Return a function that simulates another new process.
    """
    monkeypatch.setenv("SECRET_ARN", "the-key")
    _forget_handlers()
    return _forget_handlers


@pytest.fixture(autouse=True)
def refuse_calls_without_grant(memory_cloud, monkeypatch):
    """Fail a test in which a function makes a call that its manifest does not grant."""
    offences = Offences()
    offences.watch(memory_cloud, monkeypatch)
    yield
    assert sorted(offences.calls) == [], "calls without a grant in manifest.py"


@pytest.fixture
def context():
    return LambdaContext()


# Each fixture up to `artefact_bucket` creates a resource and sets the variable from which functions read its name.


@pytest.fixture
def profiles_table(aws, set_variables):
    set_variables(PROFILES_TABLE="profiles")
    return create_profiles_table(aws("dynamodb"), "profiles")


@pytest.fixture
def catalogue_table(aws, set_variables):
    set_variables(CATALOGUE_TABLE="catalogue")
    return create_table(aws("dynamodb"), "catalogue", key="item_id")


@pytest.fixture
def users_table(aws, set_variables):
    set_variables(USERS_TABLE="users")
    return create_table(aws("dynamodb"), "users", key="user_id")


@pytest.fixture
def lake_bucket(aws, set_variables):
    set_variables(LAKE_BUCKET="lake-bucket")
    return create_bucket(aws("s3"), "lake-bucket")


@pytest.fixture
def artefact_bucket(aws, set_variables):
    set_variables(ARTEFACT_BUCKET="artefact-bucket")
    return create_bucket(aws("s3"), "artefact-bucket")


@pytest.fixture
def logged(monkeypatch):
    lines = io.StringIO()
    for log_handler in logger.handlers:
        monkeypatch.setattr(log_handler, "stream", lines)
    return lines.getvalue


@pytest.fixture
def counted_by_dimensions(capsys):
    """Return a function that returns the metrics since its last call, by dimension values without `service`."""

    def read():
        sums: dict[tuple[str, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line)
            for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
                dimensions = max(directive["Dimensions"], key=len)  # Each set counts the same values.
                values = sums[tuple(document[name] for name in dimensions if name != "service")]
                for metric in directive["Metrics"]:
                    values[metric["Name"]] += sum(document[metric["Name"]])
        return sums

    return read


@pytest.fixture
def counted(counted_by_dimensions):
    def read():
        total = Counter[str]()
        for values in counted_by_dimensions().values():
            for name, value in values.items():
                total[name] += value
        return dict(total)

    return read


@pytest.fixture
def pseudonyms(aws):
    """Return keyed hashes with the secret `the-key`, which the functions read."""
    aws("secretsmanager").create_secret(Name="the-key", SecretString="k" * 64)
    return Pseudonyms(b"k" * 64)


@pytest.fixture
def erase(aws, artefact_bucket, pseudonyms):
    def write(user):
        add_tombstone(aws("s3"), artefact_bucket, pseudonyms.erased_user(user), now_ms=1)

    return write


@pytest.fixture
def world(aws, artefact_bucket, tmp_path):
    return World(aws, artefact_bucket, tmp_path)


@pytest.fixture
def configure(world):
    return lambda document: world.configure(**document)


@pytest.fixture
def set_variables(monkeypatch):
    def set_all(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def replace_clients(monkeypatch):
    def replace(handler, **clients):
        monkeypatch.setattr(handler, "client", lambda service, **how: clients.get(service) or client(service, **how))

    return replace


@pytest.fixture
def stores(aws):
    return Stores.create(aws)
