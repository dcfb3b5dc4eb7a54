"""Champion that is loaded at initialisation, and checked again after the restoration of a snapshot."""

import importlib
import os
import types

import pytest
import snapshot_restore_py

from alsolike.privacy.pseudonyms import MIN_KEY_BYTES, Pseudonyms
from alsolike.profiles.profile import Profile
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.errors import Unavailable
from functions.recommend import handler, start
from functions.recommend.dependencies import current_dependencies
from functions.recommend.start import CONNECT_ATTEMPTS, NO_PROFILE


@pytest.fixture
def initialised(shop, monkeypatch):
    def initialise(kind):
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
        importlib.reload(handler)

    monkeypatch.setattr(start, "PREPARE_MS", 60_000)  # A busy machine may stop the process for longer than Lambda does.
    yield initialise
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE")
    importlib.reload(handler)


def loaded():
    """Return the loaded version without polling."""
    model = current_dependencies().refresher._champion.latest.model
    return None if model is None else model.version


@pytest.mark.parametrize(
    ("kind", "version"), [("snap-start", "v1"), ("provisioned-concurrency", "v1"), ("on-demand", None)]
)
def test_champion_is_loaded_at_initialisation_before_requests(kind, version, shop, initialised):
    shop.publish("v1")

    initialised(kind)

    assert loaded() == version


def test_clients_are_created_at_initialisation(shop, initialised, monkeypatch):
    initialised("on-demand")
    # A second read of the settings would raise an error.
    monkeypatch.setattr("functions.recommend.dependencies.from_environment", None)

    assert shop.post({"userId": "anna"})["statusCode"] == 200


@pytest.mark.parametrize("kind", ["snap-start", "provisioned-concurrency", "on-demand"])
@pytest.mark.parametrize("failures", [0, 2, 9])
def test_dynamodb_connection_is_opened_at_initialisation(kind, failures, initialised, monkeypatch):
    reads: list[str] = []

    def read(_, profile_id, **__):
        reads.append(profile_id)
        if len(reads) <= failures:
            raise Unavailable("a handshake that takes 80 ms")
        return Profile(profile_id)

    monkeypatch.setattr(ProfileStore, "read", read)

    initialised(kind)

    # A prepared sandbox connects at initialisation and after its restoration.
    assert len(reads) >= min(failures + 1, CONNECT_ATTEMPTS)
    assert set(reads) == {NO_PROFILE}


@pytest.mark.parametrize("budget_ms", ["0", "10000"])
def test_silent_dynamodb_delays_the_start_by_at_most_5_s(budget_ms, initialised, monkeypatch):
    monkeypatch.setenv("TIME_BUDGET_MS", budget_ms)
    now_s = [0.0]

    def read(store, *_, **__):
        config = store._client.meta.config
        now_s[0] += config.connect_timeout + config.read_timeout
        raise Unavailable("no response")

    monkeypatch.setattr(ProfileStore, "read", read)
    monkeypatch.setattr(start, "time", types.SimpleNamespace(monotonic=lambda: now_s[0]))

    initialised("on-demand")

    assert now_s[0] <= 5


def test_memory_is_limited_at_initialisation(initialised, monkeypatch):
    limited = list[object]()
    monkeypatch.setattr(start, "limit_memory", limited.append)

    initialised("on-demand")

    assert limited == [os.environ]


def test_secret_is_read_before_the_champion(shop, initialised, monkeypatch):
    read = []

    def pseudonyms_of(*_):
        read.append("secret")
        return Pseudonyms(bytes(MIN_KEY_BYTES))

    monkeypatch.setattr("functions.recommend.dependencies.pseudonyms_of", pseudonyms_of)
    monkeypatch.setattr(Registry, "champion", lambda _: read.append("champion"))

    initialised("snap-start")

    assert read[:2] == ["secret", "champion"]


@pytest.mark.parametrize(("pseudonymised", "longest_ms"), [("", 4_000), ("1", 9_000)])
def test_secret_is_read_only_if_time_for_all_attempts_remains(pseudonymised, longest_ms, initialised, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", pseudonymised)
    read = []

    def pseudonyms_of(client, _):
        read.append(client.meta.config)
        return Pseudonyms(bytes(MIN_KEY_BYTES))

    monkeypatch.setattr("functions.recommend.dependencies.pseudonyms_of", pseudonyms_of)
    monkeypatch.setattr(start, "PREPARE_MS", longest_ms)
    initialised("snap-start")
    assert read == []

    monkeypatch.setattr(start, "PREPARE_MS", longest_ms + 60_000)
    initialised("snap-start")

    (config,) = read
    attempts = config.retries["total_max_attempts"]
    # botocore pauses for up to 1 s before a second attempt.
    assert attempts * (config.connect_timeout + config.read_timeout) * 1000 + (attempts - 1) * 1000 == longest_ms


def test_restored_process_reads_the_pointer_before_its_first_request(shop, initialised, monkeypatch):
    monkeypatch.setenv("CHAMPION_CHECK_S", "0")
    shop.publish("v1")
    initialised("snap-start")
    shop.publish("v2")
    (restored, arguments, keywords) = snapshot_restore_py.get_after_restore()[-1]

    restored(*arguments, **keywords)

    assert loaded() == "v2"


def test_initialisation_succeeds_without_a_store(shop, initialised):
    shop.s3.delete_bucket(Bucket=shop.bucket)

    initialised("snap-start")

    assert loaded() is None
