"""`alsolike config check`, which reports a file's errors with line and column."""

import dataclasses
import json
from pathlib import Path

import pytest

from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration_document.document import parse
from alsolike.runtime.errors import InvalidInput
from operations.configuration import yaml_document
from tests.unit.cli.config.configuring import run

EXAMPLE = Path(__file__).parents[4] / "docs" / "examples" / "configuration.yaml"
BAD = """\
events:
  view: {weight: heavy}
  view: {weight: 1}
filters:
  new: >-
    INCLUDE ItemID
    WHERE Items.AGE < < 3
recommender: {}
"""


def test_documented_example_is_valid_and_has_every_key():
    result = run("check", str(EXAMPLE))

    assert result.exit_code == 0
    assert result.stdout == f"{EXAMPLE} is valid\n"
    assert "warning" not in result.stderr
    configuration = parse(yaml_document.read(EXAMPLE.read_text()).value)
    names = [field.name for field in dataclasses.fields(configuration)]
    stated = {name for name in names if name != "version" and not name.startswith("created_")}
    assert {name for name in stated if getattr(configuration, name) == getattr(DEFAULT, name)} == set()


def test_check_reports_all_errors_in_the_order_of_the_file():
    result = run("check", "-", stdin=f"format: 2\n{BAD}limits:\n  clock_skew_s: 5 s\n")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert [" ".join(line.split(" ")[:2]) for line in result.stderr.splitlines()] == [
        "stdin:1:9: format",
        "stdin:3:18: events.view.weight",
        "stdin:4:3: events.view",
        "stdin:8:23: filters.new",
        "stdin:9:1: recommender",
        "stdin:11:17: limits.clock_skew_s",
    ]


def test_documented_errors_equal_the_output_of_check(tmp_path, monkeypatch):
    documented = (EXAMPLE.parents[1] / "configuration.md").read_text()
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(f"format: 1\n{BAD}")

    result = run("check", "shop.yaml")

    printed = f"$ alsolike config check shop.yaml\n{result.stderr}```"
    assert len(result.stderr.splitlines()) == 4
    assert printed in documented


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "stdin:1:1: the document is null, expected a mapping with format"),
        ("events: {}", "stdin:1:1: the document lacks format"),
        ("format: 1\nevents:\n  rate: {}", "stdin:3:3: events.rate lacks weight"),
        ("format: 1\nevents: {rate: {item: none}}", "stdin:2:10: events.rate lacks weight"),
        ("format: 1\nevents: {cart: {aliases: [a, View]}}", "stdin:2:30: events.cart.aliases[1] is 'View', which"),
        ("format: 1\nitems: {columns: {a b: text}}", 'stdin:2:19: items.columns["a b"] is not a valid column name'),
        ("format: 1\nfilters: {a: }", "stdin:2:13: filters.a is null, expected an expression"),
        ("format: 1\nexperiments: {e: {start: 2026-03-01, arms: {}}}", "stdin:2:26: experiments.e.start is"),
        ("format: 1\n\tlimits: {}", "stdin:2:1: is not valid YAML from here on: while scanning"),
        ("format: 1\nformat: 1", "stdin:2:1: format duplicates the key in line 1"),
    ],
)
def test_every_type_of_error_has_line_and_column(text, message):
    result = run("check", "-", stdin=text)

    assert result.exit_code == 1
    assert message in result.stderr
    assert all(line.startswith("stdin:") for line in result.stderr.splitlines())


def test_check_prints_one_json_document():
    result = run("check", "-", "--json", stdin="format: 1\nevents: {view: {weight: -101}}\n")

    assert result.exit_code == 1
    error = {
        "line": 2, "column": 25, "path": "events.view.weight",
        "message": "events.view.weight is -101, expected a number from -100 to 100",
    }  # fmt: skip
    assert json.loads(result.stdout) == {"valid": False, "errors": [error], "warnings": []}
    assert json.loads(run("check", str(EXAMPLE), "--json").stdout)["valid"] is True


def test_file_that_is_not_utf_8_error_has_the_byte(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_bytes("format: 1\n# für ".encode() + b"\xff")

    result = run("check", str(path))

    assert (result.exit_code, result.stderr) == (1, f"{path}:2:7: has the byte 0xff, which is not valid UTF-8\n")


def test_missing_or_too_large_file_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"nowhere\.yaml cannot be read: No such file"):
        run("check", "nowhere.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 20))
    with pytest.raises(InvalidInput, match=r"large\.yaml is longer than 512 KiB"):
        run("check", str(tmp_path / "large.yaml"))


def test_expired_rules_have_a_warning():
    pins = '[{item: "1", position: 1, until: 2020-01-01}, {item: "2", position: 2, until: 2199-01-01}]'

    result = run("check", "-", stdin=f"format: 1\nrules: {{spring: {{pins: {pins}}}}}\n")

    assert result.exit_code == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("warning")] == [
        "warning: stdin:2:57: rules.spring.pins[0].until is past, so the rule has no effect"
    ]
