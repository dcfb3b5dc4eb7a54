import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.errors import Unavailable
from alsolike.registry import CHAMPION_KEY, Registry
from functions.recommend.bundle_cache import BundleCache
from functions.recommend.champion import NO_MODEL, STALE_MODEL, ChampionLoader
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
        serving = self.loader.serving(now_ms=self.now_ms)
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

    def refuse(_: BundleCache, version: str) -> Path:
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


def test_process_that_starts_again_uses_the_files_it_finds_unless_they_are_damaged(deployment: Deployment) -> None:
    deployment.publish("v1")
    deployment.serving()
    (deployment.cache / "v1" / "popular.npy").write_bytes(b"damaged")

    deployment.loader = deployment.new_loader()

    assert deployment.serving() == ("v1", None)
    assert deployment.cached() == ["v1"]


def unreachable(**_: Any) -> None:
    raise EndpointConnectionError(endpoint_url="https://s3")
