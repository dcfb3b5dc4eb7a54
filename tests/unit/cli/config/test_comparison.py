"""A configuration file compared with the published catalogue."""

import json
from pathlib import Path

import pytest

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.storage import SEGMENTS_PREFIX, SNAPSHOT_KEY
from alsolike.runtime.errors import NotFound, Unavailable
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from operations.client import deployment as deployments
from operations.configuration import file as configuration_file
from operations.configuration.catalogue_comparison import compare
from tests.unit.cli.config.configuring import run

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

    result = run("check", path)

    assert result.exit_code == 0
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
