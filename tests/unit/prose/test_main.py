import json

from tests.prose.__main__ import BUDGETS, main


def test_violation_fails_the_check_and_is_printed_with_its_place(tmp_path, capsys):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""What a module does."""\n')

    assert main([], root=tmp_path) == 1
    assert capsys.readouterr().out.startswith("cli/module.py:1: opening")
    assert main(["functions"], root=tmp_path) == 0


def test_plain_texts_pass(tmp_path, capsys):
    (tmp_path / "module.py").write_text('"""Rules of the gate."""\n')

    assert main([], root=tmp_path) == 0
    assert capsys.readouterr().out == "0 violations\n"


def test_budgeted_rules_fail_above_the_budget_of_their_folder(tmp_path, capsys):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""Rules: what a gate sees."""\n')  # The text has two violations.
    budgets = tmp_path / BUDGETS
    budgets.parent.mkdir(parents=True)

    budgets.write_text('{"cli": 2}')
    assert main([], root=tmp_path) == 0
    budgets.write_text('{"cli": 1}')
    assert main([], root=tmp_path) == 1
    assert "cli: 2 violations of budgeted rules, expected at most 1" in capsys.readouterr().out


def test_budgets_are_only_lowered(tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""Rules: what a gate sees."""\n')
    budgets = tmp_path / BUDGETS
    budgets.parent.mkdir(parents=True)
    budgets.write_text('{"cli": 9, "functions": 1}')

    main(["--lower"], root=tmp_path)

    assert json.loads(budgets.read_text()) == {"cli": 2, "functions": 0}
