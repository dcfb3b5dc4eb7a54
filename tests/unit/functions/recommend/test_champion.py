import dataclasses
import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import EndpointConnectionError

from alsolike.errors import Unavailable
from alsolike.registry import CHAMPION_KEY, Registry
from functions.recommend.bundle_cache import ANSWER_TIME_MS, BundleCache
from functions.recommend.champion import MAX_EARLIER, NO_MODEL, STALE_MODEL, ChampionLoader
from tests.unit.functions.bundles import MANIFEST, upload_bundle, write_bundle
from tests.unit.functions.factories import NOW_MS

CHECK_S = 30


class Deployment:
    """An artefact bucket with model versions, and the loader under test, on a clock of its own."""

    def __init__(self, s3: Any, bucket: str, directory: Path) -> None:
        self.s3, self.bucket, self.directory = s3, bucket, directory
        self.registry = Registry(s3, bucket)
        self.cache = directory / "cache"
        self.now_ms = NOW_MS
        self.loader = self.new_loader()
        self.times_ms: list[int] = []

    def remaining_ms(self) -> int:
        """Say what `times_ms` has for each question, and then that there is plenty."""
        return self.times_ms.pop(0) if self.times_ms else 20_000

    def new_loader(self) -> ChampionLoader:
        cache = BundleCache(self.s3, self.bucket, self.cache)
        return ChampionLoader(Registry(self.s3, self.bucket), cache, check_s=CHECK_S)

    def publish(self, version: str, *, damage: str | None = None) -> None:
        folder = self.directory / version
        write_bundle(folder, manifest=dataclasses.replace(MANIFEST, version=version))
        if damage is not None:
            (folder / damage).write_bytes(b"damaged")
        upload_bundle(self.s3, self.bucket, folder, version=version)
        self.promote(version)

    def promote(self, version: str) -> None:
        self.registry.promote(version, reason="test", now_ms=self.now_ms)

    def serving(self, *, after_s: float = 0) -> tuple[str | None, str | None]:
        self.now_ms += round(after_s * 1000)
        serving = self.loader.serving(now_ms=self.now_ms, remaining_ms=self.remaining_ms)
        return (serving.model.version if serving.model else None), serving.degraded

    def cached(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def deployment(aws: Callable[[str], Any], artefact_bucket: str, tmp_path: Path) -> Deployment:
    return Deployment(aws("s3"), artefact_bucket, tmp_path)


def test_before_the_first_model_there_is_none_and_the_first_one_is_found(deployment: Deployment) -> None:
    assert deployment.serving() == (None, NO_MODEL)

    deployment.publish("v1")

    assert deployment.serving(after_s=CHECK_S - 1) == (None, NO_MODEL)
    assert deployment.serving(after_s=1) == ("v1", None)


def test_new_champion_is_swapped_in_when_it_is_time_to_look(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()

    deployment.publish("v2")

    assert deployment.serving(after_s=CHECK_S - 1) == ("v1", None)
    assert deployment.serving(after_s=1) == ("v2", None)
    assert deployment.cached() == ["v2"]


def test_rollback_brings_the_earlier_model_back(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.publish("v2")
    deployment.serving()

    deployment.registry.roll_back(reason="test", now_ms=NOW_MS)

    assert deployment.serving(after_s=CHECK_S) == ("v1", None)


@pytest.mark.parametrize("damage", ["graph.data", "graph.onnx", "popular.npy", "manifest.json"])
def test_damaged_champion_never_replaces_a_good_model(damage: str, deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()

    deployment.publish("v2", damage=damage)

    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert deployment.serving(after_s=1) == ("v1", STALE_MODEL)
    assert deployment.cached() == ["v1"]

    deployment.publish("v3")
    assert deployment.serving(after_s=CHECK_S) == ("v3", None)


def test_champion_with_a_missing_file_never_replaces_a_good_model(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.publish("v2")
    deployment.s3.delete_object(Bucket=deployment.bucket, Key="models/v2/ids.blob")

    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)


def test_damaged_first_model_is_no_model(deployment: Deployment) -> None:
    deployment.publish("v1", damage="graph.data")

    assert deployment.serving() == (None, NO_MODEL)


def test_damaged_champion_is_downloaded_again_only_when_the_pointer_changes(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.publish("v1", damage="graph.data")
    deployment.serving()

    def refuse(_: BundleCache, version: str, **__: Any) -> Path:
        raise AssertionError(f"{version} was downloaded again")

    monkeypatch.setattr(BundleCache, "fetch", refuse)

    assert deployment.serving(after_s=CHECK_S) == (None, NO_MODEL)


def test_unreadable_pointer_leaves_the_model_serving(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.s3.put_object(Bucket=deployment.bucket, Key=CHAMPION_KEY, Body=b"{")

    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)


def test_store_that_does_not_answer_leaves_the_model_serving_and_is_asked_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.publish("v2")

    with monkeypatch.context() as outage:
        outage.setattr(deployment.loader._registry._client, "get_object", unreachable)
        assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)

    assert deployment.serving(after_s=CHECK_S) == ("v2", None)


def test_nothing_loaded_and_no_answer_is_unavailable(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.publish("v1")

    with monkeypatch.context() as outage:
        outage.setattr(deployment.loader._registry._client, "get_object", unreachable)
        with pytest.raises(Unavailable):
            deployment.serving()

    assert deployment.serving() == ("v1", None)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RetriesExceededError(ConnectionResetError()),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
)
def test_champion_that_cannot_be_downloaded_is_tried_once_a_check_and_the_loaded_model_serves(
    error: Exception, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.publish("v2")
    downloads: list[str] = []

    def fail(_: str, key: str, *__: Any, **___: Any) -> None:
        downloads.append(key)
        raise error

    with monkeypatch.context() as outage:
        outage.setattr(deployment.loader._bundles._client, "download_file", fail)
        assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
        assert deployment.serving(after_s=CHECK_S - 1) == ("v1", STALE_MODEL)

    assert len(downloads) == 1
    assert deployment.cached() == ["v1"]
    assert deployment.serving(after_s=1) == ("v2", None)


def test_disk_that_takes_no_files_leaves_the_model_serving(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.publish("v2")
    shutil.rmtree(deployment.cache)
    deployment.cache.write_bytes(b"no directory")

    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)


def test_error_that_nobody_expects_fails_one_request_and_then_the_loaded_model_serves(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.publish("v2")

    with monkeypatch.context() as bug:
        bug.setattr(deployment.loader._registry._client, "get_object", lambda **_: {})
        with pytest.raises(KeyError):
            deployment.serving(after_s=CHECK_S)

    assert deployment.serving() == ("v1", STALE_MODEL)
    assert deployment.serving(after_s=CHECK_S) == ("v2", None)


def test_download_ends_in_time_for_the_answer_and_leaves_nothing(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()
    deployment.publish("v2")
    deployment.times_ms = [ANSWER_TIME_MS] * 3 + [ANSWER_TIME_MS - 1]

    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert deployment.times_ms == []
    assert deployment.cached() == ["v1"]
    assert deployment.serving(after_s=CHECK_S) == ("v2", None)


def test_what_a_killed_process_left_behind_makes_room(deployment: Deployment) -> None:
    for folder in (".unfinished-x", "v0"):
        (deployment.cache / folder).mkdir(parents=True)
        (deployment.cache / folder / "graph.data").write_bytes(b"half")
    deployment.publish("v1")

    assert deployment.serving() == ("v1", None)

    assert deployment.cached() == ["v1"]


def test_nothing_of_a_killed_download_is_on_the_disk_while_the_next_one_runs(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (deployment.cache / ".unfinished-x").mkdir(parents=True)
    deployment.publish("v1")
    client = deployment.loader._bundles._client
    download_file, seen = client.download_file, set()

    def look(*call: Any, **options: Any) -> None:
        seen.update(deployment.cached())
        download_file(*call, **options)

    monkeypatch.setattr(client, "download_file", look)
    deployment.serving()

    assert len(seen) == 1
    assert ".unfinished-x" not in seen


def test_process_that_starts_while_the_champion_is_damaged_serves_the_nearest_sound_one(
    deployment: Deployment,
) -> None:
    deployment.publish("v1")
    deployment.publish("v2", damage="graph.data")
    deployment.publish("v3", damage="manifest.json")

    assert deployment.serving() == ("v1", STALE_MODEL)
    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert deployment.cached() == ["v1"]

    deployment.publish("v4")
    assert deployment.serving(after_s=CHECK_S) == ("v4", None)


def test_version_that_was_rolled_back_from_never_stands_in(deployment: Deployment) -> None:
    deployment.publish("v1", damage="graph.data")
    deployment.publish("v2")
    deployment.registry.roll_back(reason="v2 is bad", now_ms=NOW_MS)

    assert deployment.serving() == (None, NO_MODEL)


def test_only_so_many_earlier_champions_are_tried(deployment: Deployment) -> None:
    deployment.publish("v0")
    for number in range(1, MAX_EARLIER + 2):
        deployment.publish(f"v{number}", damage="graph.data")

    assert deployment.serving() == (None, NO_MODEL)


def test_earlier_champion_that_cannot_be_fetched_now_is_asked_for_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.publish("v1")
    deployment.publish("v2", damage="graph.data")
    client = deployment.loader._bundles._client
    download_file = client.download_file

    def only_v2(bucket: str, key: str, *call: Any, **options: Any) -> None:
        if key.startswith("models/v1/"):
            unreachable()
        download_file(bucket, key, *call, **options)

    with monkeypatch.context() as outage:
        outage.setattr(client, "download_file", only_v2)
        with pytest.raises(Unavailable):
            deployment.serving()

    assert deployment.serving() == ("v1", STALE_MODEL)


def test_process_that_starts_again_uses_the_files_it_finds_unless_they_are_damaged(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()
    (deployment.cache / "v1" / "popular.npy").write_bytes(b"damaged")

    deployment.loader = deployment.new_loader()

    assert deployment.serving() == ("v1", None)
    assert deployment.cached() == ["v1"]


def unreachable(**_: Any) -> None:
    raise EndpointConnectionError(endpoint_url="https://s3")
