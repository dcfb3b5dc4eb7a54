"""Canaries on the embedded cloud: worse, incomplete and failing versions do not stay champion.

Each test starts with the state that earlier tests left.
"""

import dataclasses
import json
import time

import numpy as np
import pytest
from onnx import helper, numpy_helper

from alsolike.bundle import bundle, files
from alsolike.bundle.graph_tables import write_tables_index
from alsolike.bundle.manifest import Manifest
from tests.booted.assemblies import synthesized
from tests.booted.shop import SECONDS_PER_DAY, eventually, write_history
from tests.booted.trial_shop import SETTINGS, SHOPPERS, USERS, TrialShop
from tests.builders.bundles import small_graph

DAYS = 24


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("trials")
    with TrialShop.booted(synthesized(**SETTINGS), directory) as shop:
        history = directory / "history.csv"
        write_history(history, users=USERS, days=DAYS, end=time.time() - 4 * SECONDS_PER_DAY)
        shop.alsolike("import", "interactions", history)
        yield shop


@pytest.fixture
def unchanged(shop):
    before = shop.serves
    yield
    assert (shop.serves, shop.on_trial()) == (before, None)
    answers = eventually(
        lambda: {shop.recommend(user).headers["x-alsolike-model-version"] for user in SHOPPERS[:20]},
        holds=lambda versions: versions == {before},
    )
    assert answers == {before}


def state_notifications(shop):
    return [message for message in shop.notifications() if "event" in message]


@pytest.mark.ci
def test_first_version_is_promoted_without_a_canary(shop):
    trained = shop.alsolike("train")

    assert (trained["decision"], shop.serves) == ("promoted", trained["version"])
    assert "there was no champion" in trained["reasons"][-1]


@pytest.mark.ci
def test_better_version_passes_its_canary_and_becomes_champion(shop, tmp_path):
    before = shop.serves
    history = tmp_path / "later.csv"
    write_history(history, users=USERS, days=3, end=time.time() - 3_600)
    shop.alsolike("import", "interactions", history)

    execution = shop.start()
    version = eventually(shop.on_trial)
    answered = shop.answer(until=lambda: not shop.running(execution))

    assert version is not None, shop.ended(execution)
    assert {who for who, _ in answered} == {before, version}
    assert "Promoted" in shop.states(execution)
    assert (shop.serves, shop.on_trial()) == (version, None)
    last = shop.report(version).looks[-1]
    assert last.figures["candidate"]["users"] > 10
    assert last.figures["candidate"]["error_rate"] == 0.0
    shown = shop.alsolike("models", "show", version)
    assert (shown["status"], shown["approval"]) == ("champion", "Approved")
    assert (shown["canary"]["state"], shown["decision"]["verdict"]) == ("promoted", "approved")


def test_rollback_by_an_operator_takes_effect_within_a_minute(shop):
    rejected = shop.serves
    began = time.monotonic()

    rolled = shop.alsolike("models", "rollback", "--reason", "to see it")

    served = eventually(
        lambda: {shop.recommend(user).headers["x-alsolike-model-version"] for user in SHOPPERS[:10]},
        holds=lambda versions: versions == {rolled["version"]},
        within_s=60,
    )
    assert served == {rolled["version"]} != {rejected}
    assert time.monotonic() - began < 60


@pytest.mark.usefixtures("unchanged")
def test_worse_version_is_rejected_and_gets_no_canary(shop, tmp_path):
    folder = shop.copy("worse", tmp_path)
    manifest = Manifest.from_json((folder / files.MANIFEST_FILE).read_bytes())
    figures = [
        {**each, "ndcg": 0.0 if each["algorithm"] == manifest.algorithm else each["ndcg"]}
        for each in manifest.metrics["candidates"]
    ]
    bundle.write_manifest(folder, dataclasses.replace(manifest, metrics={**manifest.metrics, "candidates": figures}))

    registered = shop.register(folder)

    assert registered["verdict"] == "rejected", registered
    shop.notifications(within_s=10)
    execution = shop.start({"version": "worse"})
    assert shop.ended(execution)["status"] == "SUCCEEDED"
    assert "RolledBack" in shop.states(execution)
    (notification,) = state_notifications(shop)
    assert notification["event"] == "canary rolled back"
    assert notification["canary"]["reasons"] == ["the gate rejected it, and no operator forced it"]
    assert "the gate rejected model version 'worse'" in shop.alsolike(
        "models", "promote", "worse", "--reason", "x", exit_code=1
    )


@pytest.mark.usefixtures("unchanged")
def test_incomplete_upload_is_refused(shop, tmp_path):
    shop.upload(shop.copy("half", tmp_path), without=files.MANIFEST_FILE)
    shop.notifications(within_s=10)

    ended = shop.ended(shop.start({"version": "half"}))

    assert ended["status"] == "FAILED"
    assert "model version 'half' has no bundle" in ended["cause"]
    (notification,) = state_notifications(shop)
    assert "model version 'half' has no bundle" in json.dumps(notification)


def damaged(folder):
    """Cut the data file in half, so that no process can load the version."""
    data = folder / files.DATA_FILE
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])


def failing(folder):
    """Write graphs that load, but find no row in their table for a history with items other than the first."""
    manifest = Manifest.from_json((folder / files.MANIFEST_FILE).read_bytes())
    table = np.zeros((manifest.items + 1, manifest.items + 1), np.float32)
    for name, with_bias in ((files.GRAPH_FILE, False), (files.BIAS_GRAPH_FILE, True)):
        model = small_graph(table, with_bias=with_bias)
        model.graph.initializer.append(numpy_helper.from_array(np.array(manifest.items + 1, np.int64), "table_rows"))
        model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.int64), "first"))
        (gather,) = (node for node in model.graph.node if node.op_type == "Gather")
        assert gather.input[1] == "history"
        gather.input[1] = "row"
        model.graph.node.insert(0, helper.make_node("Sub", ["history", "first"], ["others"]))
        model.graph.node.insert(1, helper.make_node("Mul", ["others", "table_rows"], ["beyond"]))
        model.graph.node.insert(2, helper.make_node("Add", ["history", "beyond"], ["row"]))
        (folder / name).write_bytes(model.SerializeToString())
    (folder / files.DATA_FILE).write_bytes(table.tobytes())
    write_tables_index(folder, {"table": (table, 0)})
    bundle.write_manifest(folder, manifest)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        pytest.param(damaged, "arm-model-unavailable", id="damaged"),
        pytest.param(failing, "model-failed", id="failing", marks=pytest.mark.ci),
    ],
)
def test_failing_version_is_rolled_back_and_requests_are_answered(shop, tmp_path, harm, reason):
    version = harm.__name__
    folder = shop.copy(version, tmp_path)
    harm(folder)
    shop.upload(folder)
    shop.notifications(within_s=10)

    execution = shop.start({"version": version})
    assert eventually(shop.on_trial) == version
    answered = shop.answer(until=lambda: not shop.running(execution))

    assert any(lacking == reason for _, lacking in answered)
    assert "RolledBack" in shop.states(execution)
    (notification,) = state_notifications(shop)
    assert notification["event"] == "canary rolled back"
    assert notification["canary"]["reasons"][0].startswith("fails outright: ")
    assert shop.report(version).state == "rolled_back"
