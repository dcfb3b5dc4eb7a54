"""`alsolike config check` and `apply`: errors with line and column, and names that the published catalogue lacks."""

import dataclasses
import json
from pathlib import Path

import pytest

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import DEFAULT, ColumnType
from alsolike.configuration_document.document import parse
from alsolike.declarations.storage import SEGMENTS_PREFIX, SNAPSHOT_KEY
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from operations.client import deployment as deployments
from operations.configuration import file as configuration_file
from operations.configuration import yaml_document
from operations.configuration.catalogue_comparison import compare
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
    result = run("check", str(EXAMPLE), exit_code=0)

    assert result.stdout == f"{EXAMPLE} is valid\n"
    assert "warning" not in result.stderr
    configuration = parse(yaml_document.read(EXAMPLE.read_text()).value)
    names = [field.name for field in dataclasses.fields(configuration)]
    stated = {name for name in names if name != "version" and not name.startswith("created_")}
    assert {name for name in stated if getattr(configuration, name) == getattr(DEFAULT, name)} == set()


def test_check_reports_all_errors_in_the_order_of_the_file():
    result = run("check", "-", stdin=f"format: 2\n{BAD}limits:\n  clock_skew_s: 5 s\n", exit_code=1)

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
        ("format: 1\nevents: {cart: {aliases: [a, View]}}", "stdin:2:30: events.cart.aliases[1] is 'View', which"),
        ("format: 1\nitems: {columns: {a b: text}}", 'stdin:2:19: items.columns["a b"] is not a valid column name'),
        ("format: 1\nfilters: {a: }", "stdin:2:13: filters.a is null, expected an expression"),
        ("format: 1\nexperiments: {e: {start: 2026-03-01, arms: {}}}", "stdin:2:26: experiments.e.start is"),
        ("format: 1\n\tlimits: {}", "stdin:2:1: is not valid YAML from here on: while scanning"),
    ],
)
def test_every_type_of_error_has_line_and_column(text, message):
    result = run("check", "-", stdin=text, exit_code=1)

    assert message in result.stderr
    assert all(line.startswith("stdin:") for line in result.stderr.splitlines())


def test_check_prints_one_json_document():
    result = run("check", "-", "--json", stdin="format: 1\nevents: {view: {weight: -101}}\n", exit_code=1)

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


def test_too_large_file_is_refused(tmp_path):
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 20))
    with pytest.raises(InvalidInput, match=r"large\.yaml is longer than 512 KiB"):
        run("check", str(tmp_path / "large.yaml"))


def test_expired_rules_have_a_warning():
    pins = '[{item: "1", position: 1, until: 2020-01-01}, {item: "2", position: 2, until: 2199-01-01}]'

    result = run("check", "-", stdin=f"format: 1\nrules: {{spring: {{pins: {pins}}}}}\n", exit_code=0)

    assert [line for line in result.stderr.splitlines() if line.startswith("warning")] == [
        "warning: stdin:2:57: rules.spring.pins[0].until is past, so the rule has no effect"
    ]


COLUMNS = {"category": ColumnType.STRING, "tags": ColumnType.LIST, "inStock": ColumnType.BOOLEAN}
ITEMS = {
    "fig": {"category": "DELI", "tags": ["sweet", "soft"], "price": 3, "parentId": "f"},
    "leek": {"category": "GROCERY", "tags": ["green"], "price": 1},
}
HEAD = """\
format: 1
items: {columns: {category: string, tags: list, inStock: boolean, price: number}}
users: {columns: {segment: string}}
"""
UNUSED_FILTER = f"{HEAD}filters:\n  a: INCLUDE ItemID WHERE Items.PRICE > 5\n"


def compared(text, deployment):
    return compare(configuration_file.check(text, name="shop.yaml", now_ms=0), deployment)


@pytest.fixture
def shop(shop, deployment, tmp_path):
    """Return the configuration store of a deployment with two items."""
    store = SnapshotStore(deployment.client("s3"), deployment.names.artefact_bucket, tmp_path / "snapshot")
    changes = [Change(item_id, 1, properties) for item_id, properties in ITEMS.items()]
    SnapshotPublisher(store).publish(changes, columns=COLUMNS, version=0, now_ms=1)
    return shop


@pytest.mark.parametrize(
    ("condition", "messages"),
    [
        ('Items.CATEGORY IN ("DELLI", "GROCERY")', ['no item has "DELLI" in Items.CATEGORY, did you mean "DELI"?']),
        ('Items.CATEGORY = "deli"',
         ['no item has "deli" in Items.CATEGORY, did you mean "DELI"?', "passes none of the 2 items of the catalogue"]),
        ('Items.TAGS IN ("sweeet", "green")', ['no item has "sweeet" in Items.TAGS, did you mean "sweet"?']),
        ('NOT Items.ITEM_ID IN ("figg")', ['no item has the ID "figg"']),
        ("NOT Items.IN_STOCK = false", ["no item has a boolean in Items.IN_STOCK"]),
        # The column was not declared when the catalogue was published. Its values come from the items' properties.
        ("Items.PRICE > 5", ["passes none of the 2 items of the catalogue"]),
        ("Items.PRICE > 2", []),
        ('Items.CATEGORY = "DELI" AND CurrentUser.SEGMENT = "gold"', []),
        ('Interactions.EVENT_TYPE = "purchase"', []),
        ("Items.PRICE < $MOST", []),
        ("Items.PRICE > CurrentItem.PRICE", []),
    ],
)  # fmt: skip
def test_filter_values_without_items_have_a_hint(shop, deployment, condition, messages):
    comparison = compared(f"{HEAD}filters:\n  mine: INCLUDE ItemID WHERE {condition}\n", deployment)

    assert [(finding.line, finding.message) for finding in comparison.hints] == [
        (5, f"filters.mine {message}") for message in messages
    ]
    assert comparison.empty == ()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("rules: {r: {pins: [{item: figg, position: 1}]}}", 'rules.r.pins[0].item is "figg", which is not in the'),
        ("rules: {r: {pins: [{item: fig, position: 1}]}}", None),
        ("sessions: {columns: [parentId, titel]}", "sessions.columns[1] is titel, which no item has"),
    ],
)
def test_pins_and_session_columns_are_compared_with_the_catalogue(shop, deployment, rest, message):
    hints = compared(f"{HEAD}{rest}\n", deployment).hints

    assert [finding.message.startswith(message or "") for finding in hints] == ([True] if message else [])


@pytest.mark.parametrize(("column", "hints"), [("PARENT_IDD", 1), ("PARENT_ID", 0), ("title", 0), ("null", 0)])
def test_variants_column_without_items_has_a_hint(shop, deployment, column, hints):
    findings = compared(f"format: 1\nitems: {{variants: {column}}}\n", deployment).hints

    message = "items.variants is parentIdd, which no item has, did you mean parentId?"
    assert [finding.message for finding in findings] == [message] * hints


def test_empty_catalogue_gives_no_findings(deployment):
    text = f"{HEAD}filters: {{a: INCLUDE ItemID WHERE Items.PRICE > 5}}\nrecommenders: {{for-you: {{filter: a}}}}\n"

    comparison = compared(text, deployment)

    assert (comparison.empty, comparison.hints) == ((), ())


@pytest.mark.parametrize("use", ["recommenders: {for-you: {filter: a}}", "aliases: {x: {recipe: aws-sims, filter: a}}"])
def test_recommender_filter_without_items_is_refused_unless_forced(shop, file, use):
    path = file(f'{HEAD}filters:\n  a: INCLUDE ItemID WHERE Items.CATEGORY = "DELLI"\n{use}\n')

    assert (run("check", path).exit_code, run("apply", path).exit_code) == (1, 1)
    assert shop.current().version == 0
    assert run("apply", path, "--force").exit_code == 0
    assert shop.current().version == 1


def test_unused_filter_without_items_has_a_warning(shop, file):
    path = file(UNUSED_FILTER)

    checked, applied = run("check", path, "--json"), run("apply", path, "--json")

    assert (checked.exit_code, applied.exit_code) == (0, 0)
    (warning,) = json.loads(checked.stdout)["warnings"]
    assert warning["message"] == "filters.a passes none of the 2 items of the catalogue"
    assert json.loads(applied.stdout)["warnings"] == [warning]
    assert f"warning: {path}:5:" in applied.stderr


def test_check_without_a_deployment_reports_that_nothing_was_compared(file, tmp_path, monkeypatch):
    path = file(UNUSED_FILTER)
    monkeypatch.chdir(tmp_path)

    result = run("check", path, exit_code=0)

    assert result.stderr.startswith(f"note: {path} was not compared with a catalogue: no embedded cloud runs here")
    assert run("check", "-", stdin="format: 1\n").stderr == ""


@pytest.mark.parametrize("error", [NotFound("there is no deployment 'prod'"), Unavailable("AWS does not answer")])
def test_check_of_a_named_deployment_that_is_unreachable_fails(file, monkeypatch, error):
    def unreachable(**_):
        raise error

    path = file(UNUSED_FILTER)
    monkeypatch.setattr(deployments, "resolve", unreachable)

    with pytest.raises(type(error)):
        run("check", path, "--env", "prod")
    assert run("check", path).exit_code == 0


def test_documented_refusal_equals_the_output_of_apply(shop, tmp_path, monkeypatch):
    documented = (Path(__file__).parents[4] / "docs" / "configuration.md").read_text()
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(
        "format: 1\nitems: {columns: {category: string, inStock: boolean}}\nfilters:\n"
        '  deli: EXCLUDE ItemID WHERE Items.CATEGORY = "DELLI"\n'
        "  in-stock: INCLUDE ItemID WHERE Items.INSTOK = true\n"
    )

    result = run("apply", "shop.yaml")

    assert f"$ alsolike config apply shop.yaml\n{result.stderr}```" in documented


@pytest.mark.parametrize("damaged", [SNAPSHOT_KEY, SEGMENTS_PREFIX])
def test_damaged_catalogue_does_not_prevent_apply(shop, deployment, file, damaged):
    s3, bucket = deployment.client("s3"), deployment.names.artefact_bucket
    for stored in s3.list_objects_v2(Bucket=bucket, Prefix=damaged)["Contents"]:
        s3.put_object(Bucket=bucket, Key=stored["Key"], Body=b"damaged")
    path = file(UNUSED_FILTER)

    applied = run("apply", path)

    assert (applied.exit_code, shop.current().version) == (0, 1)
    assert f"note: {path} was not compared with a catalogue: " in applied.stderr
