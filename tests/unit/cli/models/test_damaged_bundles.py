"""Report of damaged files of bundles, and their restoration from earlier versions in S3."""

import orjson
import pytest

from alsolike.registry import bundle_files
from alsolike.registry.bundle_files import BundleFiles
from operations.models import bundle_repair
from tests.unit.cli.models.versions import BUCKET, document, run

CHAMPION, PREVIOUS = "v2", "v1"


@pytest.fixture
def kept(shop):
    """Return the deployment with a versioned bucket, in which the files of v1 and v2 have versions."""
    shop.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for version in (PREVIOUS, CHAMPION):
        publish_again(shop, version)
    return shop


def publish_again(shop, version):
    for file in sorted((shop.directory / version).iterdir(), key=lambda file: file.name == "manifest.json"):
        put(shop, file.name, file.read_bytes(), version=version)


def damaged_files(shop):
    return BundleFiles(shop.s3, BUCKET).damaged(CHAMPION)


def put(shop, name, body, *, version=CHAMPION):
    key = f"models/{version}/{name}"
    if body is None:
        shop.s3.delete_object(Bucket=BUCKET, Key=key)
    else:
        shop.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def original(shop, name, *, version=CHAMPION):
    return (shop.directory / version / name).read_bytes()


def same_size(shop, name):
    return bytes(len(original(shop, name)))


def test_valid_bundles_have_no_damage_and_are_not_read(kept, monkeypatch):
    def no_read(*_, **__):
        raise AssertionError("a file was read")

    for reader in (bundle_files, bundle_repair):
        monkeypatch.setattr(reader, "object_sha256", no_read)

    assert damaged_files(kept) == ()
    assert document("show", CHAMPION)["damaged"] == []
    assert run("repair") == "nothing is damaged\n"


@pytest.mark.parametrize(
    ("name", "body", "fault"),
    [
        ("graph.onnx", None, "graph.onnx is missing"),
        ("graph.onnx", b"x", "graph.onnx has 1 bytes, expected "),
        ("ids.blob", "same size", "ids.blob differs from its checksum"),
        ("manifest.json", None, "manifest.json is missing"),
        ("manifest.json", b"{", "manifest.json is unreadable: manifest.json is not JSON"),
        ("manifest.json", "another version", "manifest.json is unreadable: it is of version v1"),
        ("manifest.json", "no checksums", "manifest.json is unreadable: it lacks the checksum of graph.onnx"),
    ],
)
def test_damaged_file_is_reported_and_restored(kept, name, body, fault, monkeypatch):
    # The test damages a file within a second of its upload. `MAX_UPLOAD_MS` would count the change as part of the
    # upload.
    monkeypatch.setattr(bundle_files, "MAX_UPLOAD_MS", -1)
    manifest = orjson.loads(original(kept, "manifest.json"))
    bodies = {
        "same size": same_size(kept, name),
        "another version": original(kept, "manifest.json", version=PREVIOUS),
        "no checksums": orjson.dumps({**manifest, "files": {}}),
    }
    put(kept, name, bodies[body] if isinstance(body, str) else body)

    (file,) = damaged_files(kept)
    assert str(file).startswith(fault)
    assert document("show", CHAMPION)["damaged"] == [str(file)]
    etag = kept.champion.etag

    assert run("repair") == f"v2: restored {name}\n"

    assert kept.s3.get_object(Bucket=BUCKET, Key=f"models/v2/{name}")["Body"].read() == original(kept, name)
    assert damaged_files(kept) == ()
    # Processes retry the load of v2, because the pointer has a new ETag.
    assert (kept.champion.version, kept.champion.etag == etag) == (CHAMPION, False)
    assert run("repair") == "nothing is damaged\n"


def test_list_show_and_json_report_damaged_files(kept):
    put(kept, "graph.onnx", None)
    put(kept, "ids.blob", b"x", version=PREVIOUS)

    listed = run("list")

    assert "champion, damaged" in listed
    assert "previous, damaged" in listed
    assert "v2 damaged: graph.onnx is missing; repair it with `alsolike models repair`" in listed
    assert {each["version"]: len(each["damaged"]) for each in document("list")} == {"v1": 1, "v2": 1, "v3": 0, "v4": 0}
    assert "files      damaged: graph.onnx is missing" in run("show", CHAMPION)
    put(kept, "manifest.json", None)
    assert "v2 damaged: manifest.json is missing" in run("list")
    put(kept, "manifest.json", b"{")
    assert "files      damaged: manifest.json is unreadable" in run("show", CHAMPION)


def test_latest_matching_version_of_each_file_is_restored(kept):
    for body in (b"x", same_size(kept, "ids.blob"), original(kept, "ids.blob") + b"y"):
        put(kept, "ids.blob", body)
    put(kept, "meta.blob", None)
    put(kept, "manifest.json", b"[]")

    assert run("repair") == "v2: restored ids.blob, manifest.json, meta.blob\n"

    assert damaged_files(kept) == ()


def test_champion_that_cannot_be_restored_is_replaced_by_the_previous_one(kept):
    forget(kept, "graph.onnx")
    put(kept, "ids.blob", b"x", version=PREVIOUS)

    done = run("repair").splitlines()

    assert done[0] == "v1: restored ids.blob"
    assert done[1] == "v2 cannot be restored: graph.onnx is missing; the previous champion v1 serves"
    assert (kept.champion.version, kept.champion.held) == (PREVIOUS, None)


def test_repair_without_a_valid_champion_is_refused(kept, refusal):
    forget(kept, "graph.onnx")
    forget(kept, "graph.onnx", version=PREVIOUS)

    assert "no previous champion is undamaged. Run `alsolike train`" in refusal("repair")
    assert kept.champion.version == CHAMPION


def forget(shop, name, *, version=CHAMPION):
    key = f"models/{version}/{name}"
    versions = shop.s3.list_object_versions(Bucket=BUCKET, Prefix=key)
    for stored in versions["Versions"]:
        shop.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=stored["VersionId"])


def test_replaced_manifest_has_its_files_compared(kept, monkeypatch):
    manifest = orjson.loads(original(kept, "manifest.json"))
    manifest["files"]["ids.blob"]["sha256"] = "0" * 64
    put(kept, "manifest.json", orjson.dumps(manifest))
    monkeypatch.setattr(bundle_files, "MAX_UPLOAD_MS", -1)

    assert "ids.blob differs from its checksum" in map(str, damaged_files(kept))
