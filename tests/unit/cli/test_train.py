import dataclasses
import json
import sys

import pytest

from cli.main import main
from operations.models import training_run
from operations.models.training_run import TrainingBusy, TrainingFailed, TrainingResult
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.shop import DATASET, MANIFEST, NAMES

ARN = "arn:aws:states:eu-west-1:123456789012:execution:training:run-7"
OUTCOME = TrainingResult("r1", "r1", "promoted", ("passed: parity",), trained=True, duration_s=1.0)


@pytest.fixture
def shop(shop, monkeypatch):
    """Return the deployment `--env shop`. The training has already written a dataset and a model."""
    put = shop.client("s3").put_object
    put(Bucket=NAMES.artefact_bucket, Key="datasets/r1/manifest.json", Body=DATASET.to_json())
    put(Bucket=NAMES.artefact_bucket, Key="models/r1/manifest.json", Body=json.dumps(MANIFEST))
    monkeypatch.setattr(training_run, "start", lambda where, **options: ARN)
    monkeypatch.setattr(training_run, "follow", lambda *arguments, **options: OUTCOME)
    return shop


def raising(error):
    def replaced(*arguments, **options):
        raise error

    return replaced


def test_interrupted_train_prints_how_to_follow_the_run(shop, monkeypatch):
    monkeypatch.setattr(training_run, "follow", raising(KeyboardInterrupt))

    result = run("train", "--env", "shop")

    assert result.exit_code == 130
    assert "the run continues without this command, as execution run-7" in result.stderr
    assert "status --env shop`" in result.stderr
    assert "train --execution run-7 --env shop`" in result.stderr
    assert result.stdout == ""


def test_train_prints_the_dataset_the_selection_and_the_reranker(shop):
    printed = run("train", "--env", "shop").stdout

    assert "Quality on the test part, 1,234 users, seen items masked (* selected on the validation part)" in printed
    assert "1,312 rows read, 1,200 kept: 4 users, 3 items, 25.0% repeats" in printed
    assert "left out   12 interactions stored twice, 100 interactions with rare items\n" in printed
    assert "sasrec was left out: torch is not installed\n" in printed
    assert "reranker: off, 12 responses with an outcome, at least 625 needed\n" in printed
    assert (
        "ease is selected: it has the highest NDCG on the validation set, 0.4500. Its settings: ridge 50\n" in printed
    )
    assert "validation NDCG@10" in " ".join(printed.split())


def test_train_as_json_has_the_dataset_and_the_reranker(shop):
    document = run_json("train", "--env", "shop")

    assert document["left_out"] == {"sasrec": "torch is not installed"}
    assert document["reranker"] == "off, 12 responses with an outcome, at least 625 needed"
    quality = document["dataset"]
    assert (quality["rows_read"], quality["kept"], quality["repeat_share"]) == (1_312, 1_200, 0.25)
    assert quality["dropped"] == {"duplicate_event": 12, "unknown_event_type": 0, "rare_item": 100}


@pytest.mark.parametrize("decision", ["rejected", "rolled_back"])
def test_model_that_is_not_promoted_exits_with_status_3(shop, monkeypatch, decision):
    outcome = dataclasses.replace(OUTCOME, decision=decision)
    monkeypatch.setattr(training_run, "follow", lambda *arguments, **options: outcome)

    result = run("train", "--env", "shop")

    assert result.exit_code == 3
    assert f"model r1 was {decision.replace('_', ' ')}:\n  passed: parity\n" in result.stdout


def test_json_of_a_run_without_training_has_no_dataset(shop, monkeypatch):
    outcome = dataclasses.replace(OUTCOME, run_id="r9", trained=False)
    monkeypatch.setattr(training_run, "follow", lambda *arguments, **options: outcome)

    assert run_json("train", "--env", "shop")["dataset"] is None


@pytest.mark.parametrize("error", [TrainingFailed("training failed after Train: why"), TrainingBusy("run r0 goes on")])
def test_failed_or_busy_run_is_an_error(shop, monkeypatch, capsys, error):
    monkeypatch.setattr(training_run, "follow", raising(error))
    monkeypatch.setattr(sys, "argv", ["alsolike", "train", "--env", "shop"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert f"alsolike: {error}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("begun", "output"), [(True, f"started {ARN}\n"), (False, f"started {ARN}, which has not begun yet\n")]
)
def test_no_follow_option_waits_until_the_run_has_started(shop, monkeypatch, begun, output):
    polled: list[str] = []

    def waited(deployment, execution_arn, *, within_s):
        polled.append(execution_arn)
        assert within_s == 60
        return begun

    monkeypatch.setattr(training_run, "wait_until_begun", waited)

    result = run("train", "--no-follow", "--env", "shop")

    assert (result.exit_code, result.stdout, polled) == (0, output, [ARN])


def test_no_follow_option_fails_if_another_run_is_active(shop, monkeypatch, capsys):
    monkeypatch.setattr(training_run, "wait_until_begun", raising(TrainingBusy("run r0 is active as execution e0")))
    monkeypatch.setattr(sys, "argv", ["alsolike", "train", "--no-follow", "--env", "shop"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    output = capsys.readouterr()
    assert ("run r0 is active as execution e0" in output.err, output.out) == (True, "")


def test_running_execution_is_followed_without_a_new_start(shop, monkeypatch):
    followed: list[str] = []

    def follow(deployment, execution_arn, **options):
        followed.append(execution_arn)
        options["on_line"]("[    0.0 s] Train")
        return OUTCOME

    monkeypatch.setattr(training_run, "follow", follow)
    monkeypatch.delattr(training_run, "start")

    result = run("train", "--env", "shop", "--execution", "run-7")

    assert followed == [ARN]
    assert "[    0.0 s] Train\n" in result.stderr
