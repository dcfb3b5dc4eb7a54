"""The worked example of docs/algorithms.md: a file put beside the others is an algorithm, everywhere."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from alsolike.bundle import Bundle
from model_export import algorithms
from model_export.hyperparameters import Hyperparameters
from model_export.train import train
from tests.unit.model_export.shops import history, interactions, tiny_shop

DOCUMENT = Path(__file__).parents[3] / "docs/algorithms.md"


@pytest.fixture(autouse=True)
def newcomers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r'```python\n("""Newcomers.*?)```', DOCUMENT.read_text(), re.DOTALL)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/newcomers.py").write_text(example)
    monkeypatch.setattr(algorithms, "__path__", [*algorithms.__path__, str(tmp_path / "own")])
    monkeypatch.delitem(sys.modules, "model_export.algorithms.newcomers", raising=False)


def test_it_is_known_by_its_name() -> None:
    assert algorithms.named("newcomers")["newcomers"].describe() == "defaults"


def test_it_counts_what_the_last_to_come_had() -> None:
    algorithm = algorithms.named("newcomers")["newcomers"]

    scores = algorithm.fit(interactions([[1, 2], [2, 3], [2]])).score(history(1))

    np.testing.assert_array_equal(scores, [[0, 1, 3, 1]])


def test_training_compares_and_exports_it(tmp_path: Path) -> None:
    manifest = train(
        dataset=tiny_shop(tmp_path / "dataset"),
        output=tmp_path / "model",
        hyperparameters=Hyperparameters(algorithms="newcomers"),
        now_ms=0,
        say=lambda line: None,
    )

    assert manifest.algorithm == "newcomers"
    assert Bundle(tmp_path / "model").manifest == manifest
