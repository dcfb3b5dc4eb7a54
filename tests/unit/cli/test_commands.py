"""Help, options, output and exit status of all commands."""

import dataclasses
import json
import os
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer import Option
from typer.core import TyperGroup
from typer.testing import CliRunner

from alsolike.runtime.errors import AlsolikeError, Unavailable
from cli import main as command
from cli.group import CommandGroup, LazyGroup
from tests.unit.cli.command_line import exit_status, run, run_json

INVALID_VERSIONS = ("../../x", "''", "a/b", "' '", "-x", "x" * 129)
READS = re.compile(r"\.(Get|List|Head|Describe|Query|Scan|Batch(Get|Read))")


def everything(group, *path, hidden=True):
    for name, one in group.commands.items():
        if one.hidden and not hidden:
            continue
        yield (*path, name), one
        if isinstance(one, TyperGroup):
            yield from everything(one, *path, name, hidden=hidden)


def commands(group):
    return [(path, one) for path, one in everything(group, hidden=False) if not isinstance(one, TyperGroup)]


def loaded_root():
    root = typer.main.get_command(command.app)
    assert isinstance(root, LazyGroup)
    return root.load()


def test_command_list_has_the_first_sentence_of_each_command():
    loaded = {name: (one.get_short_help_str(200), one.hidden) for name, one in loaded_root().commands.items()}

    for entry in command.Commands.entries:
        summary, hidden = loaded[entry.name]
        assert entry.summary.removesuffix(".") == ("" if hidden else summary.removesuffix("."))


def test_every_command_has_help_with_an_example():
    root = loaded_root()
    found = dict(commands(root))

    assert len(found) > 60
    assert [path for path, one in found.items() if f"alsolike {' '.join(path)}" not in (one.help or "")] == []


def test_command_lists_show_complete_sentences():
    root = loaded_root()
    groups = [name for name, one in root.commands.items() if isinstance(one, TyperGroup)]

    lists = [run("--help").stdout, *(run(name, "--help").stdout for name in groups)]

    assert [line for shown in lists for line in shown.partition("Commands:")[2].splitlines() if "..." in line] == []


def test_help_has_the_default_values():
    printed = " ".join(run("demo", "--help").stdout.replace("│", " ").split())

    assert "[default: (all); x>=50]" in printed
    assert "[default: (ALSOLIKE_STATE, else .alsolike/cloud.json)]" in printed


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--version"], 0, ""),
        (["nonsense"], 2, "No such command"),
        (["models", "list", "--state", "nowhere.json"], 1, "alsolike: no embedded cloud runs here (nowhere.json"),
    ],
)
def test_exit_status_depends_on_the_type_of_error(arguments, status, message, monkeypatch, capsys):
    assert exit_status(monkeypatch, *arguments) == status

    captured = capsys.readouterr()
    assert message in captured.err
    if status == 1:
        assert (captured.out, captured.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "arguments",
    [("train", "--json"), ("--format", "json", "train"), ("--format=json", "train")],
    ids=lambda arguments: " ".join(arguments),
)
def test_expected_error_is_a_json_document_with_json_output(arguments, monkeypatch, capsys):
    assert exit_status(monkeypatch, *arguments, "--state", "nowhere.json") == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["error"].startswith("no embedded cloud runs here (nowhere.json is missing)")


def test_import_prints_one_json_document(shop, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n1,a,1500000000\n1,,1500000000\n")

    document = run_json("import", "interactions", path, "--env", "shop")

    assert (document["imported"], document["rejected"], document["profiles"]) == (1, 1, 1)
    assert document["files"][0]["rejected"] == {"ITEM_ID is missing": 1}
    assert document["files"][0]["rejected_file"] == str(tmp_path / "p.csv.rejected.csv")


@pytest.mark.parametrize(("options", "noted"), [((), True), (("--event-type", "purchase"), False)])
def test_import_without_event_types_has_a_note(shop, tmp_path, options, noted):
    path = tmp_path / "purchases.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n1,a,1500000000\n")

    result = run("import", "interactions", str(path), "--env", "shop", *options)

    assert ("rows are imported as views. Import purchases with `--event-type purchase`" in result.stderr) is noted


def test_import_without_a_valid_row_fails(shop, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n1,a,soon\n")

    result = run("import", "interactions", str(path), "--env", "shop", exit_code=1)

    assert "1 x TIMESTAMP is neither a number nor a time like 2024-05-31T12:00:00Z" in result.stdout


EVERYWHERE = {"--env": "shop", "-e": "shop", "--profile": "me", "--region": "eu-west-1", "--format": "json"}


@pytest.mark.parametrize("option", EVERYWHERE)
def test_every_command_and_group_accepts_the_global_options(option):
    root = loaded_root()

    def parsed(path, one):
        context = typer.Context(one, info_name=path[-1])
        values, _, _ = one.make_parser(context).parse_args([option, EVERYWHERE[option]])
        return EVERYWHERE[option] in values.values()

    found = dict(everything(root))
    assert len(found) > 70
    assert [path for path, one in found.items() if not parsed(path, one)] == []


def test_no_command_declares_an_option_twice():
    twice = [
        (path, name)
        for path, one in commands(loaded_root())
        for name, count in Counter(name for option in one.params for name in option.opts).items()
        if count > 1 and name.startswith("-")
    ]

    assert twice == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "json", "quarantine", "list"),
        ("quarantine", "--format", "json", "list"),
        ("quarantine", "list", "--format", "json"),
        ("quarantine", "list", "--format=json"),
        ("--format", "table", "quarantine", "list", "--format", "json"),
        ("--format", "json", "--env", "other", "quarantine", "list"),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_format_option_is_accepted_at_every_place(shop, arguments):
    assert json.loads(run(*arguments, "--env", "shop").stdout) == []


def test_format_option_after_the_command_overrides_the_one_before(shop):
    printed = run("--format", "json", "quarantine", "list", "--format", "table", "--env", "shop").stdout

    assert printed == "nothing is in quarantine\n"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_region_and_profile_options_are_accepted_at_every_place(shop, monkeypatch, place):
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "before")  # monkeypatch restores the variable, which the command changes.
    arguments = ["quarantine", "list"]
    arguments[place:place] = ["--region", "eu-west-1", "--profile", "me", "--env", "shop"]

    run(*arguments)

    assert [os.environ[name] for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION")] == [
        "me", "eu-west-1", "eu-west-1",
    ]  # fmt: skip


def test_options_before_the_command_apply_to_every_command(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "before")  # monkeypatch restores the variable, which the command changes.
    monkeypatch.setenv("AWS_DEFAULT_REGION", "before")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # No process listens on this port.

    with pytest.raises(Unavailable, match="/alsolike/nowhere/"):
        run("--env", "nowhere", "--region", "eu-west-1", "users", "erasures", "list")


@pytest.mark.parametrize("kind", ["prometheus", "cloudwatch"])
def test_dashboard_is_printed_as_json(kind):
    assert json.loads(run("grafana", kind).stdout)["uid"] == f"alsolike-{kind}"


def test_openapi_prints_the_published_file():
    published = Path(__file__).parents[3] / "docs" / "openapi.json"

    assert run("openapi").stdout_bytes == published.read_bytes()


@dataclasses.dataclass
class Place:
    city: Annotated[str, Option("--city", "-c")] = "Rome"


@dataclasses.dataclass
class Size:
    width: Annotated[int, "Width in cm."] = 1
    height: int = 2


def test_dataclass_fields_are_options():
    app = CommandGroup()
    passed: list[object] = []

    @app.command()
    def show(place: Place, name: str, size: Size = Size(width=7)):  # noqa: B008
        passed.extend([place, name, size])

    result = CliRunner().invoke(app, ["show", "fig", "--height", "5", "-c", "Oslo"], catch_exceptions=False)
    printed = CliRunner().invoke(app, ["show", "--help"]).stdout

    assert result.exit_code == 0
    assert passed == [Place("Oslo"), "fig", Size(width=7, height=5)]
    assert "Width in cm.  [default: 7]" in printed
    assert printed.index("--width") < printed.index("--city")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("recommend", "expected --user ID, --item ID or --users FILE"),
        ("recommend --users f --user anna", "--user goes with one user, not with --users"),
        ("recommend --users f --item pear", "--item goes with one user, not with --users"),
        ("recommend --users f --explain", "--explain goes with one user, not with --users"),
        ("recommend --users f --metadata TITLE", "--metadata goes with one user, not with --users"),
        ("recommend --user anna --output x", "--output goes with --users"),
        ("recommend --user anna --parallel 2", "--parallel goes with --users"),
        ("recommend --user anna --value A=1", "--value is for the parameters of a filter, but there is no --filter"),
        ("recommend --user anna --filter f --value A", "--value is 'A', expected PARAMETER=VALUE"),
        ("recommend --user anna --filter f --value A=1 --value A=2", "--value repeats A"),
        (
            "recommend --users f --workflow --output here.parquet",
            "--output is 'here.parquet', expected s3://bucket/prefix/",
        ),
        ("recommend --users f --workflow --parallel 2", "--parallel is a setting of the deployment with --workflow"),
        ("web cards --currency euro", "expected three letters of ISO 4217, such as EUR"),
        ("web cards --currency €", "expected three letters of ISO 4217, such as EUR"),
        ("web cards --currency E1R", "expected three letters of ISO 4217, such as EUR"),
        ("web cards --currency=", "expected three letters of ISO 4217, such as EUR"),
        ("rules preview --users 5 --user anna", "--user"),
        ("rules forecast", "--file"),
        ("rules forecast --rules spring --file draft.yaml", "--file"),
        ("keys create web --days 36501", "36501 is not in the range 1<=x<=36500"),
        ("metrics --versions 0", "0 is not in the range 1<=x<=10000"),
        ("metrics --versions 10001", "10001 is not in the range 1<=x<=10000"),
    ],
)
def test_options_are_refused_before_any_call(cloud, client, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)

    refused = run(*arguments.split(), terminal_width=200, exit_code=2)

    assert reason in " ".join(refused.stderr.replace("│", " ").split())
    assert cloud.calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("config check nowhere.yaml", "nowhere.yaml cannot be read: No such file"),
        ("config schema nowhere.avsc --dataset actions", "--dataset is 'actions', expected items or users"),
        ("config show --version 7", "configuration version 7 was never applied"),
        ("cost --users -1", "users is -1, expected 0 to 10,000,000,000"),
        ("cost --env prod --assembly cdk.out", "--env and --assembly were both given"),
        ("cost --size small --assembly cdk.out", "--size and --assembly were both given"),
        ("cost --compare size", "expected SETTING=VALUE"),
        ("cost --month 2026-08 --month 2026-09 --month 2026-10", "--month was given 3 times, expected once or twice"),
        ("cost --month 2026-09 --month 2026-10 --compare shards=3", "either two months or other settings"),
        ("engagement --from 2026-09-22 --to 2026-09-21", "--from 2026-09-22 is after --to 2026-09-21"),
        ("engagement --to 0001-01-01", "--to is 0001-01-01, expected a day from 1970 on"),
        ("engagement --incremental --from 2026-03-02", "the whole holdout, expected no --from, --to or --by"),
        ("engagement --incremental --to 2026-03-02", "the whole holdout, expected no --from, --to or --by"),
        ("engagement --incremental --by model", "the whole holdout, expected no --from, --to or --by"),
        ("erasures status", "expected an erasure's ID or --user, one of them"),
        ("erasures status aa --user ann", "expected an erasure's ID or --user, one of them"),
        ("erasures status ffff", "there is no erasure ffff"),
        ("experiments start x --arm control", "--arm is 'control', expected NAME=SHARE"),
        ("experiments start x --arm a=0.5:price=1", "--arm is 'a=0.5:price=1', expected NAME=SHARE"),
        ("experiments start x --arm a=0.5 --arm a=0.5", "--arm names 'a' twice"),
        ("experiments start x --arm a=0.5 --arm b=0.5:model=v9", "x/b references the model version 'v9', expected "),
        ("experiments start x --arm a=0.5 --arm b=0.5 --metric fun", "--metric is 'fun', expected one of"),
        ("experiments start x --arm a=0.5 --arm b=0.5 --end 2020-01-01T00:00:00Z", "expected a time after the start"),
        ("experiments start x --arm a=0.5 --arm b=0.5 --end tomorrow", "--end is 'tomorrow', expected"),
        ("items set a price", "'price' is not a change, expected COLUMN=VALUE"),
        ("mcp --agent 'my agent'", "--agent is 'my agent', expected 1 to 64 letters"),
        *((f"models repair --champion={version}", "expected 1 to 128 letters") for version in INVALID_VERSIONS),
        ("quarantine list --since=yesterday", "--since is 'yesterday'"),
        ("quarantine list --since=3", "or an age such as 90m, 6h or 3d"),
        ("quarantine list --since=2026-01-01T00:00:00", "--since is '2026-01-01T00:00:00'"),
        ("quarantine list --since=-3d", "--since is '-3d'"),
        ("quarantine show cafe", "no object with the ID or key 'cafe' is in quarantine"),
        ("quarantine drop", "nothing is selected: pass IDs, --reason, --since or --all"),
        ("quarantine drop abc --all", "pass either IDs, or"),
        ("quarantine replay", "nothing is selected: pass IDs, --reason, --since or --all"),
        ("quarantine replay abc --all", "pass either IDs, or"),
        ("rules preview --users 5", "no user has a profile"),
        ("session-token --session s1 --lifetime 1d", "--lifetime is '1d', expected seconds"),
        ("session-token --session s1 --lifetime ''", "--lifetime is '', expected seconds"),
        ("session-token --session s1 --lifetime=-5", "--lifetime is '-5', expected seconds"),
    ],
)
def test_command_is_refused_before_any_write(deployment, select, cloud, arguments, message):
    select(deployment)
    before = len(cloud.calls)

    with pytest.raises(AlsolikeError, match=re.escape(message)):
        run(*shlex.split(arguments))

    assert [call.operation for call in cloud.calls[before:] if not READS.search(call.operation)] == []
