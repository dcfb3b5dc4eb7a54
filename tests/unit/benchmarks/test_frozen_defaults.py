import dataclasses
import datetime
from pathlib import Path

import pytest

from benchmarks import frozen_defaults
from model_export.algorithms.slist import Slist

DOCS = Path(__file__).parents[3] / "docs"
MONDAY, TUESDAY = datetime.date(2026, 11, 30), datetime.date(2026, 12, 1)


def test_defaults_equal_the_newest_frozen_page():
    page = frozen_defaults.newest(DOCS)

    assert page is not None
    assert page.read_text() == frozen_defaults.document(frozen_defaults.date_of(page)), (
        "a default changed: run `python -m benchmarks.frozen_defaults`, and mark the results of docs/quality.md that "
        "were measured with the page before"
    )


def test_quality_page_cites_the_newest_frozen_page():
    page = frozen_defaults.newest(DOCS)

    assert page is not None
    assert f"({page.name})" in (DOCS / "quality.md").read_text()


def test_equal_defaults_keep_the_page(tmp_path):
    first = frozen_defaults.write(tmp_path, date=MONDAY)

    assert frozen_defaults.write(tmp_path, date=TUESDAY) == first
    assert [page.name for page in tmp_path.iterdir()] == ["frozen-defaults-2026-11-30.md"]


@pytest.mark.parametrize("changed", [{"sources": 33}, {"position_decay": 0.7}])
def test_changed_default_is_written_to_a_new_page(tmp_path, monkeypatch, changed):
    first = frozen_defaults.write(tmp_path, date=MONDAY)
    before = first.read_text()
    monkeypatch.setattr(frozen_defaults, "known", lambda: {"slist": dataclasses.replace(Slist(), **changed)})

    with pytest.raises(SystemExit, match="a frozen page never changes"):
        frozen_defaults.write(tmp_path, date=MONDAY)
    second = frozen_defaults.write(tmp_path, date=TUESDAY)

    assert first.read_text() == before
    assert frozen_defaults.newest(tmp_path) == second
    assert f"| slist | {next(iter(changed))} | {next(iter(changed.values()))} |" in second.read_text()


def test_changed_grid_or_constant_changes_the_page(monkeypatch):
    before = frozen_defaults.document(MONDAY)
    monkeypatch.setattr(Slist, "param_grid", lambda settings: (settings,))
    without_grid = frozen_defaults.document(MONDAY)
    monkeypatch.setitem(frozen_defaults.CONSTANTS, "blend.WORTH", 0.01)

    assert len({before, without_grid, frozen_defaults.document(MONDAY)}) == 3
