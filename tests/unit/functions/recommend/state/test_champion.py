import pytest

from alsolike.declarations.degraded_reasons import NO_MODEL, STALE_MODEL
from alsolike.declarations.storage import CHAMPION_KEY
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import MAX_EARLIER
from tests.builders.bundles import without_later_files
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.deployment import CHECK_S


def test_new_champion_is_loaded_at_the_next_check(serving_v1):
    serving_v1.publish("v2")

    assert serving_v1.serving(after_s=CHECK_S - 1) == ("v1", None)
    assert serving_v1.serving(after_s=1) == ("v2", None)
    assert serving_v1.cached() == ["v2"]


@pytest.mark.parametrize("damage", ["graph.data", "manifest.json"])
def test_damaged_champion_does_not_replace_a_valid_model(damage, serving_v1):
    serving_v1.publish("v2", damage=damage)

    assert serving_v1.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert serving_v1.serving(after_s=1) == ("v1", STALE_MODEL)
    assert serving_v1.cached() == ["v1"]

    serving_v1.publish("v3")
    assert serving_v1.serving(after_s=CHECK_S) == ("v3", None)


def test_champion_with_a_missing_file_does_not_replace_a_valid_model(serving_v1):
    serving_v1.publish("v2")
    serving_v1.s3.delete_object(Bucket=serving_v1.bucket, Key="models/v2/ids.blob")

    assert serving_v1.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)


def test_repaired_champion_is_loaded_after_the_repair_note(serving_v1):
    serving_v1.publish("v2", damage="graph.onnx")
    assert serving_v1.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    serving_v1.upload("v2")
    assert serving_v1.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)

    serving_v1.registry.note_repair(serving_v1.champion, now_ms=NOW_MS)

    assert serving_v1.serving(after_s=CHECK_S) == ("v2", None)


def test_champion_of_an_earlier_version_is_served(deployment):
    deployment.serve("v1", damage=without_later_files)

    assert deployment.serving() == ("v1", None)


def test_repaired_first_champion_is_found_at_the_next_check(deployment):
    deployment.publish("v1", damage="graph.data")
    assert deployment.serving() == (None, NO_MODEL)

    deployment.upload("v1")

    assert deployment.serving(after_s=CHECK_S) == ("v1", None)


def test_damaged_champion_is_downloaded_again_only_for_a_new_pointer(serving_v1, monkeypatch):
    serving_v1.publish("v2", damage="graph.data")
    serving_v1.serving(after_s=CHECK_S)

    def refuse(_, version, **__):
        raise AssertionError(f"{version} was downloaded again")

    monkeypatch.setattr(BundleCache, "fetch", refuse)

    assert serving_v1.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)


@pytest.mark.parametrize(
    "lose",
    [
        lambda shop: shop.put(CHAMPION_KEY, b"{"),
        lambda shop: shop.s3.delete_object(Bucket=shop.bucket, Key=CHAMPION_KEY),
    ],
    ids=["unreadable", "deleted"],
)
@pytest.mark.parametrize("versioned", [False, True])
def test_lost_pointer_keeps_the_model_and_is_degraded(serving_v1, versioned, lose):
    if versioned:
        serving_v1.s3.put_bucket_versioning(Bucket=serving_v1.bucket, VersioningConfiguration={"Status": "Enabled"})
    lose(serving_v1)

    assert serving_v1.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)


def test_new_process_with_a_damaged_champion_serves_the_last_valid_one(deployment):
    deployment.publish("v1")
    deployment.publish("v2", damage="graph.data")
    deployment.publish("v3", damage="manifest.json")

    assert deployment.serving() == ("v1", STALE_MODEL)
    assert deployment.serving(after_s=CHECK_S) == ("v1", STALE_MODEL)
    assert deployment.cached() == ["v1"]

    deployment.publish("v4")
    assert deployment.serving(after_s=CHECK_S) == ("v4", None)


def test_number_of_earlier_champions_tried_is_limited(deployment):
    deployment.publish("v0")
    for number in range(1, MAX_EARLIER + 2):
        deployment.publish(f"v{number}", damage="graph.data")

    assert deployment.serving() == (None, NO_MODEL)


def test_restarted_process_reuses_valid_files_and_replaces_damaged_ones(serving_v1):
    (serving_v1.cache / "v1" / "popular.npy").write_bytes(b"damaged")

    serving_v1.loader = serving_v1.new_loader()

    assert serving_v1.serving() == ("v1", None)
    assert serving_v1.cached() == ["v1"]
