"""Import and deletion of versions' files, protected versions, and repair of a damaged pointer or training lock."""

import orjson
import pytest

from alsolike.declarations.storage import ACTIONS_KEY, CHAMPION_KEY, TRAINING_RUN_KEY
from alsolike.registry.decision import Decisions
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
    imported_as(shop, "v6", "0" * 64)
    import_folder(folder)
    imported_as(shop, "v7", started[0]["imported"])

    assert import_folder(folder)["version"] == "v7"
    assert len(started) == 1

    import_folder(folder, "--again")
    assert len(started) == 2


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


def test_unused_version_is_retired(shop):
    files = shop.files("v4")

    assert document("retire", "v4") == {"version": "v4", "files": len(files)}
    assert not shop.files("v4")
    assert Decisions(shop.s3, BUCKET).get("v4") is not None


def test_version_in_use_cannot_be_retired(shop, refusal):
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "v3"}}
    shop.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})
    shop.try_beside("v4")
    shop.publish("v5")
    run("pin", "v5")

    for version, why in {
        "v2": "is champion",
        "v1": "can be restored by a rollback",
        "v4": "is the canary",
        "v5": "is pinned",
        "v3": "serves an arm of the experiment spring",
    }.items():
        assert f"model version '{version}' {why}; its files are kept" in refusal("retire", version)
        assert shop.files(version)
    assert "model version 'v9' has no files" in refusal("retire", "v9")


def test_versions_can_be_pinned_and_unpinned(shop, refusal):
    assert document("pin", "v4")["pinned"] == ["v4"]
    assert document("pin", "v1")["pinned"] == ["v4", "v1"]
    assert document("pin", "v4")["pinned"] == ["v4", "v1"]
    assert document("unpin", "v4")["pinned"] == ["v1"]
    assert "model version 'v4' is not pinned; pinned versions: v1" in refusal("unpin", "v4")
    assert "there is no model version 'v9'" in refusal("pin", "v9")


@pytest.fixture
def kept(shop):
    """Return the deployment with a champion pointer that has earlier object versions."""
    shop.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    shop.registry.promote("v4", reason="run v4", now_ms=2)
    states, role = shop.deployment.client("stepfunctions"), "arn:aws:iam::123456789012:role/workflow"
    states.create_state_machine(name="training", definition="{}", roleArn=role)
    return shop


def test_commands_name_the_repair_of_a_corrupt_pointer_which_restores_it(kept, refusal):
    kept.s3.put_object(Bucket=BUCKET, Key=CHAMPION_KEY, Body=b"{")

    for command in (["list"], ["rollback"], ["promote", "v2", "--reason", "x"], ["resume"], ["pin", "v1"]):
        assert "repair it with `alsolike models repair`" in refusal(*command)
    assert run("repair") == "v4 is champion; the champion pointer is readable\n"

    assert kept.champion.version == "v4"
    assert "v4" in run("list")


def test_named_rejected_version_replaces_a_deleted_pointer_by_force(kept):
    kept.s3.delete_object(Bucket=BUCKET, Key=CHAMPION_KEY)

    assert document("repair", "--champion", "v3") == {"repaired": ["v3 is champion; the champion pointer is readable"]}

    assert kept.champion.is_forced
    assert [promotion.version for promotion in kept.champion.history] == ["v3", "v4", "v2", "v1"]


def test_deleted_pointer_can_be_repaired_without_a_champion(kept, refusal):
    kept.s3.delete_object(Bucket=BUCKET, Key=CHAMPION_KEY)
    assert "expected one of them" in refusal("repair", "--champion", "v1", "--without-champion")

    assert run("repair", "--without-champion").startswith("the champion pointer is deleted")

    assert kept.registry.champion() is None


@pytest.mark.parametrize(
    ("key", "body", "repaired"),
    [
        (TRAINING_RUN_KEY, b"{", "the training lock was unreadable and is deleted\n"),
        (ACTIONS_KEY, b'{"app": null}', "catalog/actions.json is restored: 0 actions, without app"),
    ],
)
def test_unreadable_training_lock_and_actions_are_repaired(kept, key, body, repaired):
    kept.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    assert run("repair").startswith(repaired)
    assert run("repair") == "nothing is damaged\n"


def test_training_lock_of_an_active_run_is_kept(kept, refusal):
    machine = kept.deployment.names.state_machine_arn
    kept.deployment.client("stepfunctions").start_execution(stateMachineArn=machine, name="r1")
    kept.s3.put_object(Bucket=BUCKET, Key=TRAINING_RUN_KEY, Body=b"{")

    assert "run r1 has been active since" in refusal("repair")
