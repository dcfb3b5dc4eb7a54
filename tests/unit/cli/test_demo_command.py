"""`alsolike demo`, and its loop on a deployment in memory."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.configuration import recommendation_id
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from cli import terminal
from operations.client import api
from operations.client.deployment import Deployment
from operations.client.signed_api import Recommendations, RecommendedItem
from operations.demo import loop, reference, replay, run
from operations.demo.complete_journey import Journey, LiveEvent
from operations.demo.loop import Loop
from operations.demo.results import DemoCheck, DemoFailed, DemoSummary, FirstRecommendation
from operations.demo.run import DIRECTORY, Demo
from operations.models import training_run
from operations.models.training_run import TrainingResult
from tests.unit.cli.command_line import exit_status
from tests.unit.cli.shop import DATASET, KEY, MANIFEST, NAMES

PASSED = DemoCheck("rankings agree", True, "2 of 2", "2 of 2 answers agree")
FAILED = DemoCheck("rankings agree", False, "2 of 2", "1 of 2 answers agree")
SUMMARY = DIRECTORY / "summary.json"


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Interrupted:
    """State of a cloud whose user presses Ctrl-C."""

    @property
    def alive(self):
        raise KeyboardInterrupt


class Finished(Demo):
    """Demo whose steps have ended."""

    check = PASSED
    error: BaseException | None = None

    @contextlib.contextmanager
    def running(self):
        self.summary.first = FirstRecommendation("42", ("7",), after_s=1.0)
        self.summary.checks = [self.check]
        with terminal.step("train the model"):
            if self.error is not None:
                raise self.error
        self._cloud = SimpleNamespace(state=Interrupted())  # type: ignore[assignment]
        yield Deployment("demo", NAMES, lambda service: None, lambda: KEY, is_local=True)


@pytest.fixture
def demo(monkeypatch, tmp_path):
    class Shown(Finished):
        pass

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "Demo", Shown)
    return Shown


def call(monkeypatch, *arguments):
    return exit_status(monkeypatch, "demo", *arguments)


def test_demo_in_a_pipe_exits_after_the_results(demo, monkeypatch, capsys):
    assert call(monkeypatch) == 0

    printed = capsys.readouterr()
    assert "passed  2 of 2 answers agree\n" in printed.out
    assert "  alsolike up --data .alsolike/demo/data\n" in printed.out
    assert "Ctrl-C" not in printed.out + printed.err
    assert json.loads(SUMMARY.read_text(encoding="utf-8"))["passed"] is True


def test_demo_on_a_terminal_keeps_running_until_ctrl_c(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())

    assert call(monkeypatch) == 0

    assert "alsolike recommend --user 42\n" in terminal.getvalue()
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "The shop is running. Press Ctrl-C to stop it.",
        "The shop has stopped. It continues with `alsolike up --data .alsolike/demo/data`.",
    ]


def test_demo_with_exit_option_exits_on_a_terminal(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Terminal())

    assert call(monkeypatch, "--exit") == 0

    assert "Ctrl-C" not in capsys.readouterr().err


def test_demo_as_json_prints_one_document(demo, monkeypatch, capsys):
    assert call(monkeypatch, "--json") == 0

    document = json.loads(capsys.readouterr().out)
    assert document["first_recommendation_s"] == 1.0
    assert list(document["steps_s"]) == ["train the model"]


def test_failed_check_exits_with_status_1_even_on_a_terminal(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    demo.check = FAILED

    assert call(monkeypatch) == 1

    assert "FAILED  1 of 2 answers agree\n" in terminal.getvalue()
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("alsolike: the demo's check failed: rankings agree: expected 2 of 2, found 1 of 2 answers")
    assert json.loads(SUMMARY.read_text(encoding="utf-8"))["passed"] is False


def test_failed_step_error_has_cause_and_next_step(demo, monkeypatch, capsys):
    demo.error = Unavailable("S3 does not answer")

    assert call(monkeypatch) == 1

    error = capsys.readouterr().err.splitlines()[-1]
    assert "step 'train the model' of the demo failed, expected it to finish: S3 does not answer. Remove" in error
    summary = json.loads(SUMMARY.read_text(encoding="utf-8"))
    assert (summary["failed_step"], summary["error"]) == ("train the model", "S3 does not answer")


def test_interrupted_demo_exits_with_status_130(demo, monkeypatch, capsys):
    demo.error = KeyboardInterrupt()

    assert call(monkeypatch) == 130

    assert capsys.readouterr().err.splitlines()[-1].startswith("alsolike: the demo was interrupted")
    assert json.loads(SUMMARY.read_text(encoding="utf-8"))["error"] == "interrupted"


NOW_S = 1_700_000_000
ITEMS = ("bread", "cheese", "figs", "honey", "milk", "pears")
SHOPPERS = ("1", "2", "3", "4")
EVENTS = tuple(LiveEvent(user, f"b{user}", "milk", NOW_S, 1.0) for user in SHOPPERS)


def ranked(profile):
    """Return the items in an order that changes with each interaction."""
    turn = len(profile.recent) % len(ITEMS)
    return [*ITEMS[turn:], *ITEMS[:turn]]


class MemoryApi(api.Api):
    """API of a shop whose model ranks by `ranked`."""

    version: str | None = "r1"

    def __init__(self, deployment):
        self._profiles = ProfileStore(deployment.client("dynamodb"), NAMES.profiles_table)

    def recommendations(self, user_id, *, k, metadata=(), **_):
        items = tuple(RecommendedItem(item, 1.0, {}) for item in ranked(self._profiles.read(f"u#{user_id}")))
        made = recommendation_id.create(answered_ms=NOW_S * 1000, recommender="for-you", version="r1")
        return Recommendations(items[:k], made, "for-you", 0, 0, self.version, None, 3.0)


class MemoryReference:
    """Reference model that ranks like the API."""

    def knows(self, item_id):
        return item_id in ITEMS

    def can_rank(self, answered):
        return True

    def rank(self, profile, *, k, now_ms, answered):
        return ranked(profile)[:k]


def send(plan, deployment, *, now_ms, on_sent):
    """Write the events into the profiles, as the stream's consumer does."""
    store = ProfileStore(deployment.client("dynamodb"), NAMES.profiles_table)
    for user, profile in replay.expected_profiles(plan, replay.read_profiles(plan.users, store)).items():
        store.add(f"u#{user}", profile.recent, now_ms=now_ms)
        on_sent(1)


@pytest.fixture
def data(tmp_path):
    rows = {"USER_ID": list(SHOPPERS), "ITEM_ID": ["bread"] * 4, "TIMESTAMP": [NOW_S - 99] * 4}
    pq.write_table(pa.table(rows), tmp_path / "interactions.parquet")
    (tmp_path / "items.csv").write_text("ITEM_ID,TITLE\n" + "".join(f"{item},{item.title()}\n" for item in ITEMS))
    (tmp_path / "users.csv").write_text("USER_ID,LEVEL\n" + "".join(f"{user},gold\n" for user in SHOPPERS))
    interactions, items, users = (tmp_path / name for name in ("interactions.parquet", "items.csv", "users.csv"))
    return Journey(interactions, items, users, EVENTS, {}, shifted_weeks=52)


@pytest.fixture
def outcome(monkeypatch):
    """Return a function that replaces the training result. By default, the training promotes the model."""

    def replace(decision, *reasons):
        outcome = TrainingResult("r1", "r1", decision, reasons, trained=True, duration_s=2.0)
        monkeypatch.setattr(training_run, "follow", lambda *_, **__: outcome)

    replace("promoted", "ndcg@10 is higher")
    return replace


@pytest.fixture
def run_loop(deployment, data, outcome, monkeypatch, tmp_path):
    put = deployment.client("s3").put_object
    put(Bucket=NAMES.artefact_bucket, Key="datasets/r1/manifest.json", Body=DATASET.to_json())
    put(Bucket=NAMES.artefact_bucket, Key="models/r1/manifest.json", Body=json.dumps(MANIFEST))
    monkeypatch.setattr(training_run, "start", lambda where: "execution")
    monkeypatch.setattr(reference, "fit", lambda *_, items: MemoryReference())
    monkeypatch.setattr(loop, "Api", MemoryApi)
    monkeypatch.setattr(replay, "send", send)

    def run_once():
        summary, firsts = DemoSummary(), list[Any]()
        shop = Loop(deployment, summary, directory=tmp_path, started_s=0)
        try:
            shop.run(data, on_first=lambda: firsts.append(summary.first))
        finally:
            assert firsts == [summary.first] * bool(summary.first)
        return summary

    return run_once


def test_loop_imports_trains_recommends_and_agrees_with_the_reference(run_loop):
    summary = run_loop()

    assert [check.found for check in summary.checks if not check.passed] == []
    assert [check.name for check in summary.checks] == [
        "every row is imported",
        "the gate promotes the model",
        "every live event updates its shopper's profile",
        "the API ranks as the reference model does",
        "never-bought items move as in the reference model",
    ]
    assert (summary.data["interactions"], summary.data["items"], summary.data["users"]) == (4, 6, 4)
    assert (summary.model["algorithm"], summary.files["model"][-6:]) == ("ease", "/model")
    assert summary.first.item_ids == ("cheese", "figs", "honey", "milk", "pears")
    assert (summary.latency.requests, summary.latency.p50_ms, summary.latency.p95_ms) == (100, 3.0, 3.0)
    assert (summary.replay["events"], summary.replay["shoppers"]) == (4, 4)
    # Each shopper bought two of six items. The other four items moved by one position.
    assert summary.replay["never_bought_items_moved"] == 4 * 4


def test_model_rejected_by_the_gate_ends_the_loop_with_the_next_command(run_loop, outcome):
    outcome("rejected", "failed: ndcg@10")

    message = r"r1 was rejected, expected promoted: failed: ndcg@10\. Run `.* demo --verbose`"
    with pytest.raises(DemoFailed, match=message):
        run_loop()


def test_rankings_different_from_the_reference_fail_the_check(run_loop, monkeypatch):
    monkeypatch.setattr(MemoryReference, "rank", lambda *_, **__: list(ITEMS))

    failed = {check.name: check.found for check in run_loop().checks if not check.passed}

    assert failed == {
        "the API ranks as the reference model does": "0 of 8 answers rank as the reference model does",
        "never-bought items move as in the reference model": (
            "0 of 16 never-bought items moved as the reference model says"
        ),
    }


def test_model_that_moves_no_never_bought_item_passes_the_check(run_loop, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ranked", lambda profile: list(ITEMS))

    (check,) = [check for check in run_loop().checks if check.name.startswith("never-bought")]

    assert (check.passed, check.found) == (True, "0 of 0 never-bought items moved as the reference model says")


def test_shoppers_that_the_reference_cannot_rank_are_counted_separately(run_loop, monkeypatch):
    # The first shopper's response before the replay and the second shopper's response after the replay cannot be
    # ranked. All other responses can be ranked.
    can_rank = iter([False, True, False, *(4 * [True])])
    monkeypatch.setattr(MemoryReference, "can_rank", lambda *_: next(can_rank))

    summary = run_loop()

    assert [check.passed for check in summary.checks] == 5 * [True]
    assert summary.checks[3].found == (
        "4 of 4 answers rank as the reference model does; shoppers not compared because of reranked cold items: 2"
    )
    assert (summary.replay["shoppers_not_compared"], summary.replay["never_bought_items_moved"]) == (2, 2 * 4)


def test_version_not_served_in_time_raises_unavailable(run_loop, monkeypatch):
    monkeypatch.setattr(MemoryApi, "version", "r0")
    monkeypatch.setattr(api, "MODEL_TIMEOUT_S", 0)

    with pytest.raises(Unavailable, match="after 0 s the API still serves r0, expected r1"):
        run_loop()
