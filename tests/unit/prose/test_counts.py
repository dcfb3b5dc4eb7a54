from __future__ import annotations

from pathlib import Path

import pytest

from tests.prose.__main__ import main

CLEAN = '"""Module."""\n'
ONE = CLEAN + "# Nobody knows.\n"
TWO = ONE + "\nLIMIT = 3  # as nobody said\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "cli").mkdir()
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/library.py").write_text(TWO)
    (tmp_path / "cli/module.py").write_text(ONE)
    (tmp_path / "counts.txt").write_text("cli person 1\n")
    return tmp_path


def check(root: Path, *arguments: str) -> int:
    return main(list(arguments), root=root, counts_file=root / "counts.txt")


def test_recorded_counts_pass(root: Path) -> None:
    assert check(root) == 0


def test_a_higher_count_fails_with_place_text_rule_and_advice(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "cli/module.py").write_text(TWO)

    assert check(root) == 1
    output = capsys.readouterr().out
    assert "cli/module.py:4: person: 'nobody: as nobody said'; name the actor" in output
    assert "1>2" in output


def test_a_higher_count_is_never_recorded(root: Path) -> None:
    (root / "cli/module.py").write_text(TWO)

    assert check(root, "--record") == 1
    assert (root / "counts.txt").read_text() == "cli person 1\n"


def test_a_lower_count_fails_until_it_is_recorded(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "cli/module.py").write_text(CLEAN)

    assert check(root) == 1
    assert "make prose ARGS=--record" in capsys.readouterr().out
    assert check(root, "--record") == 0
    assert (root / "counts.txt").read_text() == ""
    assert check(root) == 0


def test_moved_files_keep_the_total(root: Path) -> None:
    (root / "operations").mkdir()
    (root / "cli/module.py").rename(root / "operations/module.py")

    assert check(root, "--record") == 1
    assert check(root, "--moved") == 0
    assert (root / "counts.txt").read_text() == "operations person 1\n"


def test_moved_files_with_a_new_violation_fail(root: Path) -> None:
    (root / "operations.py").write_text(TWO)

    assert check(root, "--moved") == 1
    assert (root / "counts.txt").read_text() == "cli person 1\n"


def test_list_prints_the_violations_below_a_path(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "web.py").write_text(ONE)

    assert check(root, "--list", "cli/") == 0
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == ["cli/module.py:2"]
