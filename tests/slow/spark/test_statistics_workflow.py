"""A training run on the embedded cloud whose model is fitted from statistics that Spark counted."""

import json
import time

import numpy as np
import pytest

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.files import GRAPH_FILE
from alsolike.training.statistics import STATISTICS, STATISTICS_MANIFEST, StatisticsManifest
from model_export.data.training_data import load
from model_export.export.reference import settings_from
from model_export.export.writer import open_session, recommend
from tests.booted.assemblies import synthesized
from tests.booted.shop import SECONDS_PER_DAY, eventually, write_history
from tests.booted.training_shop import TrainingShop
from tests.slow.spark.runs import download, runs

USERS, DAYS, LATER_DAYS = 60, 40, 6  # each history fits into one counted session of 50 interactions


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Yield a shop whose training runs read the interactions of about a third of its users."""
    assembly = synthesized(dataset_engine="spark", spark_statistics=True, spark_sample_interactions=1_000)
    with TrainingShop.booted(assembly, tmp_path_factory.mktemp("state")) as shop:
        yield shop


def trained(shop):
    execution = shop.start()
    eventually(
        lambda: shop.stepfunctions.describe_execution(executionArn=execution)["status"],
        holds=lambda status: status != "RUNNING",
        within_s=900,
    )
    assert shop.states(execution)[-1] == "Promoted", (shop.ended(execution), runs(shop))
    champion = shop.champion()
    return champion.version


def test_model_fitted_from_counts_is_promoted_and_scores_equally(shop, tmp_path):
    first, later = tmp_path / "first.csv", tmp_path / "later.csv"
    write_history(first, users=USERS, days=DAYS, end=time.time() - LATER_DAYS * SECONDS_PER_DAY)
    shop.alsolike("import", "interactions", first)
    champion = trained(shop)
    rows = write_history(later, users=USERS, days=LATER_DAYS, end=time.time())
    shop.alsolike("import", "interactions", later)

    version = trained(shop)

    answer = shop.cloud.client("lambda").invoke(
        FunctionName=shop.name("build-dataset-function"),
        Payload=json.dumps({"run_id": "everything", "started_ms": 0}),
    )
    everything = load(download(shop, json.loads(answer["Payload"].read())["dataset_s3_uri"], tmp_path / "everything"))
    assert len(everything.interactions) == USERS * (DAYS + LATER_DAYS)
    counted = download(shop, f"s3://{shop.bucket}/datasets/{version}/", tmp_path / "counted")
    requested = load(counted)
    assert 0 < requested.interactions.users < USERS
    assert requested.all_interactions == USERS * (DAYS + LATER_DAYS)
    manifest = StatisticsManifest.from_json((counted / STATISTICS / STATISTICS_MANIFEST).read_bytes())
    last_ms = 1_000 * max(at for _, _, at in rows)
    # `holdout_ms` is 0.1 / 0.95 of the time from the 5% quantile of the interactions' times to the last interaction.
    # Spark finds the quantile with an error of 1% of the interactions.
    starts = np.quantile(everything.interactions.time_ms, (0.04, 0.06))
    shortest, longest = sorted((0.1 * (last_ms - starts) / 0.95).astype(int))
    assert shortest <= manifest.holdout_ms <= longest
    assert (manifest.last_event_ms, manifest.learned_ms) == (last_ms, last_ms - 2 * manifest.holdout_ms)
    assert manifest.since_ms is not None
    bundle = Bundle(download(shop, f"s3://{shop.bucket}/models/{version}/", tmp_path / "model"))
    metrics = bundle.manifest.metrics
    assert metrics["dataset"] == {"interactions": USERS * (DAYS + LATER_DAYS), "users": USERS}
    assert metrics["against_champion"]["version"] == champion
    assert metrics["against_champion"]["asked_users"] == requested.interactions.users
    assert "buy_again" in metrics["left_out"]

    ordered = everything.by_frequency()
    model = settings_from(metrics["settings"]).fit(ordered.interactions)
    assert [bundle.item_id(position) for position in range(1, model.items + 1)] == list(ordered.item_ids)
    offsets = ordered.interactions.offsets
    histories = ordered.interactions.histories(
        starts=offsets[:-1],
        ends=offsets[1:],
        now_ms=np.full(USERS, last_ms),
        parameters=bundle.manifest.history,
    )
    # Seen items are not excluded, because each user has seen a third of the shop's thirty items.
    _, scores = recommend(
        open_session(bundle.directory / GRAPH_FILE), histories, exclude=np.zeros((USERS, 1), np.int64), k=10
    )
    expected = -np.sort(-model.score(histories), axis=1)[:, :10]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)
