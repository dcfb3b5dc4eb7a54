"""Example of docs/algorithms.md, which runs unchanged."""

import dataclasses
import re
import sys
import types
from pathlib import Path

import numpy as np

from alsolike.bundle.bundle import Bundle
from model_export import algorithms
from model_export.algorithms.popularity import Popularity
from model_export.data.features import Feature
from model_export.evaluation.splits import leave_one_out
from model_export.export.parity import check_export
from tests.unit.model_export.shops import history, interactions, run_training, tiny_shop

DOCUMENT = Path(__file__).parents[4] / "docs/algorithms.md"


def test_documented_module_is_an_algorithm(tmp_path, monkeypatch):
    example = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert example is not None
    folder = tmp_path / "algorithms"
    folder.mkdir()
    (folder / "newcomers.py").write_text(example.group(1))
    monkeypatch.setattr(algorithms, "__path__", [*algorithms.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, "model_export.algorithms.newcomers", raising=False)

    assert "newcomers" in algorithms.known()

    manifest = run_training(tiny_shop(tmp_path / "dataset"), tmp_path / "model", algorithms="newcomers")

    assert manifest.algorithm == "newcomers"
    # Numbers of histories of the users, of one item, with scattered padding, and empty.
    assert manifest.metrics["parity"]["histories"] == 20 + 16 + 16 + 1
    assert Bundle(tmp_path / "model").manifest == manifest


def test_graphs_of_documented_models_rank_like_the_models(monkeypatch):
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    module = types.ModuleType("newcomers_with_history")
    # dataclasses reads the module of a class from sys.modules.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec("\n".join(examples), module.__dict__)
    data = interactions([[1, 2, 2], [3, 1, 4], [2, 3, 1], [4, 4, 4]])
    fitted = module.__dict__["Newcomers"]().fit(data)

    model = module.__dict__["OwnItemsModel"](settings=fitted.settings, items=fitted.items, counts=fitted.counts)

    scores = model.score(history(2, 0, 2, 4))
    assert scores.tolist() == [[0, 0, 2 * 3, 0, 1 * 4]]  # The score is the weight in the history times the count.
    check_export(model, leave_one_out(data).test.queries)

    by_type = np.array([1.0, 3.0, 0.5], np.float32)
    typed = module.__dict__["TypedItemsModel"](
        settings=fitted.settings, items=fitted.items, counts=fitted.counts, by_type=by_type
    )
    bought = dataclasses.replace(history(2, 0, 2, 4), features={"event_type": np.array([[1, 0, 2, 0]])})
    assert typed.score(bought).tolist() == [[0, 0, (3 + 0.5) * 3, 0, 1 * 4]]
    event_types = Feature(("purchase", "view"), np.arange(len(data), dtype=np.uint16) % 3)
    data = dataclasses.replace(data, features={"event_type": event_types})
    check_export(typed, leave_one_out(data).test.queries)


def test_algorithm_settings_may_be_strings():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Worded(Popularity):
        direction: str = "forth"

    assert Worded(direction="back", half_life_days=30.0).describe() == "half_life_days 30, direction back"
