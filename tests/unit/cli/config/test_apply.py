"""`alsolike config` on a deployment: apply, diff, history and rollback."""

import json

import pytest

from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration_document.document import parse
from alsolike.declarations.storage import CONFIGURATION_KEY
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound
from operations.configuration import yaml_document
from operations.configuration.configuration_versions import ConfigurationStore
from tests.unit.cli.config.configuring import HEAVIER_VIEWS, run
from tests.unit.cli.shop import NAMES


def test_experiment_with_a_missing_model_version_is_not_applied(shop, client, file):
    experiment = "{{start: 2026-01-01T00:00:00Z, end: {}, arms: {{a: {{share: 0.5}}, b: {{share: 0.5, model: v2}}}}}}"
    ended = file("format: 1\nexperiments: {old: " + experiment.format("2026-02-01T00:00:00Z") + "}\n")
    assert run("apply", ended).exit_code == 0
    client("s3").put_object(Bucket=NAMES.artefact_bucket, Key="models/v1/manifest.json", Body=b"{}")

    with pytest.raises(NotFound, match="new/b references the model version 'v2', expected an existing version: v1"):
        run("apply", file("format: 1\nexperiments: {new: " + experiment.format("null") + "}\n"))


def test_file_may_change_only_the_end_of_a_running_experiment(shop, file):
    def applied(**stated):
        fields = {"start": "2026-01-01T00:00:00Z", "arms": "{a: {share: 0.5}, b: {share: 0.5}}"} | stated
        text = ", ".join(f"{name}: {value}" for name, value in fields.items())
        return run("apply", file(f"format: 1\nexperiments: {{new: {{{text}}}}}\n")).exit_code

    assert applied() == 0
    assert applied(end="2200-01-01T00:00:00+14:00") == 0
    for change in ({"arms": "{a: {share: 0.4}, b: {share: 0.6}}"}, {"planned_answers": "500"}, {"layer": "other"}):
        with pytest.raises(
            InvalidInput, match="the experiment new runs, and more than its end would change: copy the live"
        ):
            applied(**change)
    with pytest.raises(InvalidInput, match="the experiment new runs and would be removed"):
        run("apply", file("format: 1\n"))

    assert applied(end="2026-02-01T00:00:00Z") == 0
    assert "warning: the experiment new has ended and would run again" in run("rollback", "--to", "1").stderr
    assert applied(end="2026-02-01T00:00:00Z") == 0
    with pytest.raises(InvalidInput, match="the experiment new has ended and would run again"):
        applied()
    assert run("apply", file("format: 1\n")).exit_code == 0


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ('Items.BRANDS IN ("own")', "Items.BRANDS is not declared, so no item has a value in it, did you mean brand?"),
        ("Items.INSTOK = true", "Items.INSTOK is not declared, so no item has a value in it, did you mean inStock?"),
        ("Items.BRAND IN CurrentUser.BRAN", "CurrentUser.BRAN is not declared, so nothing checks its values, did you"),
        ('Interactions.EVENT_TYPE IN ("purchse")', "eventType is 'purchse', expected one of view, click, cart, "),
    ],
)
def test_undeclared_name_in_a_filter_is_refused_unless_forced(shop, file, condition, message):
    columns = "items: {columns: {brand: string, inStock: boolean}}\nusers: {columns: {brand: string}}"
    path = file(f"format: 1\n{columns}\nfilters:\n  own: INCLUDE ItemID WHERE {condition}\n")

    refused = run("apply", path, exit_code=1)

    assert f"{path}:5:" in refused.stderr
    assert f": filters.own {message}" in refused.stderr
    assert shop.current().version == 0
    forced = run("apply", path, "--force", exit_code=0)
    assert f": filters.own {message}" in forced.stderr
    assert shop.current().version == 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("slate: [{column: brnad, at_most: 2}]", "string or list or boolean; did you mean brand?"),
        ("slate: [{column: prize, spread: 2}]", "of type number; did you mean price?"),
        ("diversity: {dial: 0.5, columns: [BRAN]}", "string or list or boolean; did you mean brand?"),
    ],
)
def test_undeclared_column_of_a_rule_is_refused(rule, message):
    columns = "items: {columns: {brand: string, price: number}}"

    result = run("check", "-", stdin=f"format: 1\n{columns}\nrules: {{r: {{{rule}}}}}\n", exit_code=1)

    assert message in result.stderr


@pytest.mark.parametrize("command", ["check", "diff", "apply"])
@pytest.mark.parametrize("text", ["format: 1\nunknown: 1\n", "format: [1\n"])
def test_errors_of_a_file_are_in_the_json_document(shop, file, command, text):
    result = run(command, file(text), "--json")

    assert (result.exit_code, result.stderr) == (1, "")
    document = json.loads(result.stdout)
    assert (document["valid"], len(document["errors"])) == (False, 1)
    assert shop.current().version == 0


def test_applied_file_is_live_and_shown_as_written(shop, file):
    result = run("apply", file(HEAVIER_VIEWS), "--reason", "views matter")

    assert result.stdout == "version 1 is live; functions follow within a minute\n"
    assert shop.version(1).by.startswith("arn:aws:sts::")
    assert shop.current().configuration().events["view"].weight == 2.0
    shown = run("show")
    assert shown.stdout == HEAVIER_VIEWS
    assert shown.stderr.startswith("version 1, applied 20")
    assert shown.stderr.endswith(": views matter\n")


def test_shown_configuration_can_be_applied_again(shop, file):
    run("apply", file(HEAVIER_VIEWS))
    built_in = run("show", "--version", "0")

    assert run("apply", file(run("show").stdout)).stdout == "no change: version 1 has the same values\n"
    assert parse(yaml_document.read(built_in.stdout).value) == DEFAULT
    assert run("apply", "-", stdin=built_in.stdout).stdout.startswith("version 2 is live")
    assert shop.current().configuration().events == DEFAULT.events


def test_apply_with_another_expected_version_is_refused(shop, file):
    path = file(HEAVIER_VIEWS)
    run("apply", path, "--expect", "0")

    with pytest.raises(ConcurrentUpdate, match="version 1 of the configuration is live, expected 0"):
        run("apply", path, "--expect", "0")


def test_apply_during_another_change_is_refused(shop, file, monkeypatch):
    read = ConfigurationStore.current

    def overtaken(store):
        seen = read(store)
        monkeypatch.setattr(ConfigurationStore, "current", read)
        document = {"format": 1, "events": {"view": {"weight": 9}}}
        shop.apply(seen, document, text="", by="test", reason="", now_ms=1)
        return seen

    monkeypatch.setattr(ConfigurationStore, "current", overtaken)

    with pytest.raises(ConcurrentUpdate, match="the configuration changed meanwhile"):
        run("apply", file(HEAVIER_VIEWS))

    assert shop.current().configuration().events["view"].weight == 9.0


def test_live_version_of_a_later_release_can_be_compared_and_replaced(shop, client, file):
    body = b'{"versions": [4], "document": {"format": 2}}'
    client("s3").put_object(Bucket=NAMES.artefact_bucket, Key=CONFIGURATION_KEY, Body=body)
    path = file(HEAVIER_VIEWS)

    compared = run("diff", path, exit_code=3)

    assert "warning: version 4 is live and cannot be read by this release: format is 2" in compared.stderr
    assert run("apply", path).stdout.startswith("version 5 is live")


def test_diff_shows_different_values_and_sets_the_exit_status(shop, file):
    path = file(HEAVIER_VIEWS)

    different = run("diff", path, exit_code=3)
    run("apply", path)
    same = run("diff", "-", stdin="events: {'view': {weight: 2.0}}\nformat: 1")

    assert different.stdout.splitlines()[:2] == ["--- version 0", f"+++ {path}"]
    changed = [line for line in different.stdout.splitlines()[2:] if line[0] in "+-"]
    assert changed == ["-    weight: 1", "+    weight: 2"]
    assert (same.exit_code, same.stdout) == (0, "")


def test_diff_as_json_has_every_value_before_and_after(shop, file):
    text = "format: 1\nevents: {view: {weight: 2}}\nfilters: {all: EXCLUDE ItemID WHERE Interactions.TIMESTAMP < 0}\n"

    result = run("diff", file(text), "--json")

    assert json.loads(result.stdout) == {
        "version": 0,
        "changes": [
            {"path": "events.view.weight", "before": 1, "after": 2},
            {"path": "filters.all", "before": None, "after": "EXCLUDE ItemID WHERE Interactions.TIMESTAMP < 0"},
        ],
    }


def test_history_lists_versions_and_rollback_restores_one(shop, file):
    assert run("history").stdout == "no configuration was applied yet; the built-in one is active\n"
    run("apply", file(HEAVIER_VIEWS), "--reason", "views matter")
    run("apply", file(HEAVIER_VIEWS.replace("2", "3")))

    rolled = run("rollback", "--reason", "too heavy")

    assert rolled.stdout == "version 3 is live and brings back version 1; functions follow within a minute\n"
    assert run("show").stdout == HEAVIER_VIEWS
    entries = json.loads(run("history", "--json").stdout)
    assert [(entry["version"], entry["reason"], entry["restores"]) for entry in entries] == [
        (3, "too heavy", 1), (2, "", None), (1, "views matter", None),
    ]  # fmt: skip
    table = run("history", "--limit", "2").stdout
    assert "too heavy" in table
    assert "views matter" not in table
    assert "brings back what is built in" in run("rollback", "--to", "0").stdout
    assert json.loads(run("rollback", "--to", "1", "--json").stdout)["restores"] == 1


def test_version_can_be_shown_as_json(shop, file):
    run("apply", file(HEAVIER_VIEWS), "--reason", "views matter")
    run("rollback")

    shown = json.loads(run("show", "--version", "1", "--json").stdout)

    assert (shown["version"], shown["reason"]) == (1, "views matter")
    assert shown["document"] == {"format": 1, "events": {"view": {"weight": 2}}}


def test_filters_on_columns_missing_in_the_catalogue_have_a_warning(shop, file):
    first = "format: 1\nitems: {columns: {PRICE: number}}\n"
    filters = "filters: {sale: INCLUDE ItemID WHERE Items.ON_SALE = true, dear: INCLUDE ItemID WHERE Items.PRICE > 9}\n"
    both = "format: 1\nitems: {columns: {PRICE: number, ON_SALE: boolean}}\n" + filters
    warning = "warning: ON_SALE is new: for up to two minutes, the filters sale find no values in it"

    assert "warning" not in run("apply", file(first)).stderr
    assert warning in run("diff", file(both)).stderr
    applied = run("apply", file(both))

    assert warning in applied.stderr
    assert "PRICE" not in applied.stderr
