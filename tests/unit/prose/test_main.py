from pathlib import Path

import pytest

from tests.prose.__main__ import main


def test_a_violation_fails_the_check_and_is_printed_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""What a module does."""\n')

    assert main([], root=tmp_path) == 1
    assert capsys.readouterr().out.startswith("cli/module.py:1: opening")
    assert main(["functions"], root=tmp_path) == 0


def test_plain_texts_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "module.py").write_text('"""Rules of the gate."""\n')

    assert main([], root=tmp_path) == 0
    assert capsys.readouterr().out == "0 violations\n"
