import orjson
import pytest

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.files import MANIFEST_FILE
from alsolike.runtime.errors import InvalidInput
from model_export.job import train
from model_export.job.hyperparameters import Hyperparameters
from tests.unit.model_export.shops import tiny_shop, write_dataset


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ('{"run_id": "Not Allowed"}', "run_id is 'Not Allowed', expected 1 to 40 of a-z, 0-9 and -"),
        ('{"holdout_days": "soon"}', "holdout_days is 'soon', expected a number above 0"),
        ('{"holdout_days": "-1"}', "expected a number above 0"),
        ('{"exclude_seen": "maybe"}', "expected true or false"),
        ('{"public_lists": "maybe"}', "public_lists is 'maybe', expected true or false"),
        ('{"epochs": "3"}', "hyperparameter 'epochs' is unknown; known are run_id, algorithms"),
        ("[]", "expected an object"),
        ("{", "is not JSON"),
    ],
)
def test_invalid_hyperparameter_is_refused(document, message):
    with pytest.raises(InvalidInput, match=message):
        Hyperparameters.from_json(document.encode())


def test_hyperparameters_are_parsed_from_strings():
    document = b'{"run_id": "r-1", "holdout_days": "7.5", "exclude_seen": "True", "algorithms": ""}'

    assert Hyperparameters.from_json(document) == Hyperparameters(run_id="r-1", holdout_days=7.5, exclude_seen=True)
    assert Hyperparameters.from_json(rb'{"algorithms": "popularity,\n ease"}').algorithms == "popularity,\n ease"


def run_job(base, hyperparameters, monkeypatch):
    (base / "input/config").mkdir(parents=True, exist_ok=True)
    (base / "input/config/hyperparameters.json").write_bytes(orjson.dumps(hyperparameters))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    return train.main()


def test_job_writes_a_bundle_to_the_model_directory(tmp_path, monkeypatch, capsys):
    tiny_shop(tmp_path / "input/data/dataset")

    status = run_job(tmp_path, {"run_id": "job-1", "algorithms": "popularity,transitions"}, monkeypatch)

    assert status == 0
    assert Bundle(tmp_path / "model").manifest.version == "job-1"
    assert "ndcg_at_10=" in capsys.readouterr().out
    assert not (tmp_path / "output/failure").exists()


def test_failed_job_writes_its_reason_and_a_status(tmp_path, monkeypatch):
    write_dataset(tmp_path / "input/data/dataset", {"a": ["x"]})

    status = run_job(tmp_path, {"run_id": "job-2"}, monkeypatch)

    assert status == 1
    reason = (tmp_path / "output/failure").read_text()
    assert reason.startswith("InvalidDataset: dataset run-1 holds 1 users, 1 items and 1 interactions")
    assert not (tmp_path / "model" / MANIFEST_FILE).exists()


def test_unknown_algorithm_fails_the_job_with_the_known_ones(tmp_path, monkeypatch):
    tiny_shop(tmp_path / "input/data/dataset")

    run_job(tmp_path, {"run_id": "job-3", "algorithms": "als"}, monkeypatch)

    assert "unknown algorithm 'als'; known are blend" in (tmp_path / "output/failure").read_text()
