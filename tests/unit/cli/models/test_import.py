import orjson
import pytest

from operations.models import training_run
from tests.builders.scoring_graphs import scoring_graph, write_folder
from tests.unit.cli.models.versions import BUCKET, document, run

ARN = "arn:aws:states:eu-west-1:123456789012:execution:training:run-7"
ITEMS = ["pear", "plum", "fig"]


@pytest.fixture
def started(shop, monkeypatch):
    """Return the options of each started run."""
    runs = []

    def start(deployment, **options):
        runs.append(options)
        return ARN

    monkeypatch.setattr(training_run, "start", start)
    return runs


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "graph", scoring_graph(3), ITEMS)


def import_folder(*arguments):
    return document("import", *map(str, arguments), "--no-follow")


def uploaded(shop):
    entries = shop.s3.list_objects_v2(Bucket=BUCKET, Prefix="training/graphs/").get("Contents", [])
    return [entry["Key"].removeprefix("training/graphs/") for entry in entries]


def test_import_uploads_the_files_and_starts_a_run(shop, started, folder):
    assert import_folder(folder) == {"version": None, "status": None, "execution_arn": ARN}

    (options,) = started
    assert options["reason"] == "import of inner products"
    assert uploaded(shop) == [f"{options['imported']}/{name}" for name in ("graph.onnx", "model.json")]


def imported_as(shop, version, sha256):
    """Register a version with an imported graph."""
    shop.publish(version, registered=False)
    key = f"models/{version}/manifest.json"
    manifest = orjson.loads(shop.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    manifest["metrics"]["imported"] = {
        "sha256": sha256, "name": "SASRec of RecBole", "trained_until_ms": 1_772_323_200_000, "items": 3,
        "known_items": 2,
    }  # fmt: skip
    shop.s3.put_object(Bucket=BUCKET, Key=key, Body=orjson.dumps(manifest))
    shop.add_package(version, algorithm="imported", items="3")


def test_repeated_import_starts_a_run_only_with_again(shop, started, folder):
    import_folder(folder)
    imported_as(shop, "v7", started[0]["imported"])

    assert import_folder(folder)["version"] == "v7"
    assert len(started) == 1

    import_folder(folder, "--again")
    assert len(started) == 2


def test_other_graph_starts_a_run_next_to_an_imported_version(shop, started, folder):
    imported_as(shop, "v7", "0" * 64)

    import_folder(folder)

    assert len(started) == 1


def test_invalid_folder_uploads_nothing(shop, started, refusal, folder):
    (folder / "model.json").write_text("{}")

    assert "model.json: format is missing, expected a whole number" in refusal("import", str(folder))
    assert uploaded(shop) == []
    assert started == []


def test_run_is_followed_like_a_training(shop, started, folder, monkeypatch):
    followed = []
    monkeypatch.setattr("cli.train.follow_run", lambda context, deployment, arn: followed.append(arn))

    run("import", str(folder))

    assert followed == [ARN]


def test_imported_graph_is_described_with_its_version(shop):
    imported_as(shop, "v7", "0" * 64)

    assert "imported   SASRec of RecBole, up to 2026-03-01 00:00:00 UTC, 2 of its 3 items known\n" in run("show", "v7")
