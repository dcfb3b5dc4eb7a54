"""Champion that is loaded at initialisation, and checked again after the restoration of a snapshot."""

import importlib
from collections.abc import Callable, Iterator

import pytest
import snapshot_restore_py

from alsolike.profiles.profile import Profile
from alsolike.profiles.store import ProfileStore
from alsolike.runtime.errors import Unavailable
from functions.recommend import handler
from functions.recommend.sources import current_sources
from functions.recommend.start import CONNECT_ATTEMPTS, NO_PROFILE
from tests.unit.functions.recommend.shop import Shop


@pytest.fixture
def initialised(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def initialise(kind: str) -> None:
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
        importlib.reload(handler)

    yield initialise
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE")
    importlib.reload(handler)


def loaded() -> str | None:
    """Return the loaded version without polling."""
    model = current_sources().refresher._champion.latest.model
    return None if model is None else model.version


@pytest.mark.parametrize(
    ("kind", "version"), [("snap-start", "v1"), ("provisioned-concurrency", "v1"), ("on-demand", None)]
)
def test_champion_is_loaded_at_initialisation_before_requests(
    kind: str, version: str | None, shop: Shop, initialised: Callable[[str], None]
) -> None:
    shop.publish("v1")

    initialised(kind)

    assert loaded() == version


def test_clients_are_created_at_initialisation(
    shop: Shop, initialised: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    initialised("on-demand")
    # A second read of the settings would raise an error.
    monkeypatch.setattr("functions.recommend.sources.from_environment", None)

    assert shop.post({"userId": "anna"})["statusCode"] == 200


@pytest.mark.parametrize("kind", ["snap-start", "provisioned-concurrency", "on-demand"])
@pytest.mark.parametrize("failures", [0, 2, 9])
def test_dynamodb_connection_is_opened_at_initialisation(
    kind: str, failures: int, initialised: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def read(_: ProfileStore, profile_id: str, **__: bool) -> Profile:
        reads.append(profile_id)
        if len(reads) <= failures:
            raise Unavailable("a handshake that takes 80 ms")
        return Profile(profile_id)

    monkeypatch.setattr(ProfileStore, "read", read)

    initialised(kind)

    # A prepared sandbox connects at initialisation and after its restoration.
    assert len(reads) >= min(failures + 1, CONNECT_ATTEMPTS)
    assert set(reads) == {NO_PROFILE}


def test_pseudonym_secret_is_read_at_initialisation(
    shop: Shop, initialised: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    initialised("snap-start")
    # A second read of the secret would raise an error.
    monkeypatch.setattr("functions.recommend.sources.pseudonyms_of", None)

    assert shop.post({"userId": "anna"})["statusCode"] == 200


def test_restored_process_reads_the_pointer_before_its_first_request(
    shop: Shop, initialised: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAMPION_CHECK_S", "0")
    shop.publish("v1")
    initialised("snap-start")
    shop.publish("v2")
    (restored, arguments, keywords) = snapshot_restore_py.get_after_restore()[-1]

    restored(*arguments, **keywords)

    assert loaded() == "v2"


def test_initialisation_succeeds_without_a_store(shop: Shop, initialised: Callable[[str], None]) -> None:
    shop.s3.delete_bucket(Bucket=shop.bucket)

    initialised("snap-start")

    assert loaded() is None
