"""Start, end and builds of the embedded cloud, and the next steps after it."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.errors import NotFound, Unavailable
from cli import terminal
from cli.next_steps import check_can_recommend, step_lines
from cli.up import api_lines
from local_cloud import client
from local_cloud.client import Cloud, CloudError
from local_cloud.state import CloudState
from operations import embedded_cloud, progress
from operations.configuration import file
from operations.configuration.deployed_configuration import store_of
from operations.demo import loop
from operations.demo.results import DemoFailed
from operations.deployment_stage import stored_user
from tests.unit.cli.command_line import run

NO_PROCESS = 2**22 + 1
"""Process ID above the maximum of the kernel."""


def cloud_state(pid):
    return CloudState("ready", pid, "us-east-1", "123456789012", "", "/cdk.out")


def put_interactions(deployment):
    key = f"{INTERACTIONS_PREFIX}event_date=2026-01-01/a.parquet"
    deployment.client("s3").put_object(Bucket=deployment.names.lake_bucket, Key=key, Body=b"")


def test_ended_cloud_is_detected_and_its_state_file_deleted(tmp_path):
    path = tmp_path / "cloud.json"
    cloud_state(NO_PROCESS).write(path)
    cloud = Cloud(cloud_state(NO_PROCESS), path=path)

    with pytest.raises(Unavailable, match=f"process {NO_PROCESS}. has ended by itself"):
        embedded_cloud.wait_for_interrupt(cloud)
    cloud.stop()

    assert not path.exists()


@pytest.mark.parametrize(
    "options", [["up", "--env", "shop-a"], ["--env", "shop-a", "up"], ["up", "--environment", "shop-a"]]
)
def test_environment_option_is_accepted_by_up(options, tmp_path, monkeypatch):
    def synthesize(environment):
        raise NotFound(f"synthesizing {environment}")

    monkeypatch.setattr(embedded_cloud, "build_layers", lambda: None)
    monkeypatch.setattr(embedded_cloud, "build_pages", lambda stopped: None)
    monkeypatch.setattr(embedded_cloud, "synthesize", synthesize)

    with pytest.raises(NotFound, match=r"^synthesizing shop-a$"):
        run(*options, "--ephemeral", "--state", tmp_path / "cloud.json")


@pytest.mark.parametrize(("verb", "error"), [("up", NotFound), ("demo", DemoFailed)])
def test_failed_start_stops_the_build_of_the_pages(verb, error, tmp_path, monkeypatch):
    def build_layers():
        raise NotFound("no layers")

    builds = list[threading.Event]()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embedded_cloud, "build_layers", build_layers)
    monkeypatch.setattr(embedded_cloud, "build_pages", builds.append)
    monkeypatch.setattr(loop, "prepare", lambda *_, **__: None)

    with pytest.raises(error, match="no layers"):
        run(verb, "--state", tmp_path / "cloud.json")

    assert [stopped.is_set() for stopped in builds] == [True]


@pytest.mark.parametrize("verb", ["up", "demo"])
def test_running_cloud_is_reported_before_any_build(verb, tmp_path, monkeypatch):
    path = tmp_path / "cloud.json"
    cloud_state(os.getpid()).write(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embedded_cloud, "build_layers", lambda: pytest.fail("layers were built"))

    message = f"{path} belongs to a cloud that runs as process {os.getpid()}. Stop it with `.*down --state {path}`"
    with pytest.raises(Unavailable if verb == "up" else DemoFailed, match=message):
        run(verb, "--state", path)


def test_up_ends_without_an_error_if_the_cloud_was_stopped(tmp_path):
    # The state file is missing. A cloud that ends by itself would leave the file.
    cloud = Cloud(cloud_state(NO_PROCESS), path=tmp_path / "cloud.json")

    embedded_cloud.wait_for_interrupt(cloud)


def test_down_without_a_cloud_succeeds_with_a_message(tmp_path):
    result = run("down", "--state", str(tmp_path / "cloud.json"), exit_code=0)

    assert "no embedded cloud runs here" in result.stderr


def test_port_in_use_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = str(server.getsockname()[1])

        message = f"^port {port} is in use, expected a free one. Choose another with --port$"
        with pytest.raises(Unavailable, match=message):
            run("up", "--port", port)


def test_printed_calls_end_with_the_recommend_command(deployment, monkeypatch):
    monkeypatch.setattr(sys, "argv", [".venv/bin/alsolike"])

    lines = api_lines(deployment, user_id="4 2", item_id="7", reach=("--state", "x.json"))

    assert lines[-1] == ".venv/bin/alsolike recommend --user '4 2' --state x.json"
    assert lines[-4] == 'eval "$(.venv/bin/alsolike keys create try --state x.json)"'
    assert '"$AWS_ENDPOINT_URL_PERSONALIZE/events"' in lines[-2]


def test_next_steps_match_the_state(deployment, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["alsolike"])
    s3, names = deployment.client("s3"), deployment.names

    empty = step_lines(deployment, reach=())
    put_interactions(deployment)
    untrained = step_lines(deployment, reach=())
    store = ProfileStore(deployment.client("dynamodb"), names.profiles_table)
    for profile in ("s#visit", "u#ann"):
        store.add(profile, [RecentInteraction(1, "e1", "i1", "view")], now_ms=1)
    with_user = step_lines(deployment, reach=())
    s3.put_object(Bucket=names.artefact_bucket, Key="models/v1/manifest.json", Body=b"")
    Registry(s3, names.artefact_bucket).promote("v1", reason="test", now_ms=1)
    trained = step_lines(deployment, reach=("--state", "x.json"))

    assert empty[0] == (
        "1. Import your files: alsolike import items items.csv && "
        "alsolike import interactions orders.csv --event-type purchase"
    )
    assert untrained[:2] == ["1. Train a model: alsolike train", "2. Recommend: alsolike recommend --user ID"]
    assert "2. Recommend: alsolike recommend --user ann" in with_user
    assert trained[1].startswith(
        '2. Call the API: eval "$(alsolike keys create try --state x.json)" && curl -s --aws-sigv4 '
    )
    assert '"userId": "ann"' in trained[1]
    assert trained[2] == "3. Recommend: alsolike recommend --user ann --state x.json"
    assert {len(empty), len(untrained), len(trained)} == {3}


def test_stock_filter_is_a_step_until_a_filter_uses_the_column(deployment, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["alsolike"])
    put_interactions(deployment)
    store = store_of(deployment)

    def applied(document):
        document = {"format": 1, "items": {"columns": {"inStock": "boolean"}}, **document}
        store.apply(store.current(), document, text="", by="test", reason="", now_ms=0)
        return step_lines(deployment, reach=())[3:]

    (suggested,) = applied({})
    (listed,) = applied({"filters": {"all": "EXCLUDE ItemID WHERE Items.ITEM_ID IN ('x')".replace("'", '"')}})
    read = applied({"filters": {"mine": "INCLUDE ItemID WHERE Items.IN_STOCK = true"}})

    assert suggested.startswith("4. Recommend only items in stock: { alsolike config show; echo ")
    assert suggested.endswith("; } | alsolike config apply -")
    words = shlex.split(suggested.replace(";", " ; "))
    added = [words[place + 1] for place, word in enumerate(words) if word == "echo"]
    text = "\n".join(["format: 1", "items: {columns: {inStock: boolean}}", *added])
    checked = file.check(text, name="shop.yaml", now_ms=0)
    assert (checked.undeclared, checked.configuration.recommenders["for-you"].filter) == ((), "in-stock")
    assert listed.startswith("4. Recommend only items in stock: add 'in-stock: INCLUDE ItemID WHERE Items.IN_STOCK")
    assert read == []


def test_next_steps_name_no_user_if_ids_are_pseudonymised(deployment):
    hashing = dataclasses.replace(deployment, names=dataclasses.replace(deployment.names, pseudonymise_ids="1"))
    store = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    store.add("u#5f1c", [RecentInteraction(1, "e1", "i1", "view")], now_ms=1)

    assert stored_user(deployment) == "5f1c"
    assert stored_user(hashing) is None


def test_deployment_without_data_or_model_error_has_the_next_step(deployment):
    message = r"no interactions yet.*import interactions orders.csv --event-type purchase.*train"
    with pytest.raises(NotFound, match=message):
        check_can_recommend(deployment, reach=())
    put_interactions(deployment)
    with pytest.raises(NotFound, match=r"there is no model yet.*train"):
        check_can_recommend(deployment, reach=())


NOBODY = "http://127.0.0.1:1"
RUN = embedded_cloud._run


@pytest.fixture
def assembly(tmp_path, monkeypatch):
    """Return an assembly whose cloud is this process. The cloud starts at once, does not stop, and has no listener."""
    state = CloudState("ready", os.getpid(), "us-east-1", "123456789012", "", "", endpoint=NOBODY, admin=NOBODY)
    monkeypatch.setattr(Cloud, "start", lambda *_, **__: Cloud(state))
    monkeypatch.setattr(client, "_STOP_TIMEOUT_S", 0.0)
    artifacts = {"shop": {"environment": "aws://123456789012/us-east-1"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return tmp_path


def test_cloud_that_does_not_stop_raises_unavailable(assembly):
    with (
        pytest.raises(Unavailable, match="does not stop"),
        embedded_cloud.running_cloud(assembly, state=assembly / "state.json"),
    ):
        pass


def test_error_on_a_cloud_is_raised_even_if_the_cloud_does_not_stop(assembly):
    with (
        pytest.raises(LookupError, match="no such item") as failed,
        embedded_cloud.running_cloud(assembly, state=assembly / "state.json"),
    ):
        raise LookupError("no such item")

    assert isinstance(failed.value.__cause__, CloudError)


def test_progress_counts_only_resources_of_the_log(assembly, monkeypatch, capsys):
    start = Cloud.start

    def printing_start(*arguments, progress, **more):
        for line in ("starting moto", "shop: F (AWS::SNS::Topic)", "serving"):
            progress(line)
        return start(*arguments, **more)

    progress.report_to(terminal)
    monkeypatch.setattr(Cloud, "start", printing_start)
    monkeypatch.setattr(terminal, "_PLAIN_EVERY_S", 0)
    resources = {name: {"Type": "AWS::SNS::Topic"} for name in "FG"}
    (assembly / "shop.template.json").write_text(json.dumps({"Resources": resources}))

    with pytest.raises(Unavailable), embedded_cloud.running_cloud(assembly, state=assembly / "state.json"):
        pass

    output = capsys.readouterr().err
    assert "deploy on the embedded cloud ... 50%  serving" in output
    assert "100%" not in output


def test_deletion_is_suggested_only_for_unreadable_data(tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "cloud.sqlite").write_bytes(b"no database" * 1_000)
    (tmp_path / "taken" / "cloud.sqlite").mkdir(parents=True)

    with pytest.raises(Unavailable, match=r"Delete it with `.*reset"):
        embedded_cloud.check_data(tmp_path / "damaged")
    with pytest.raises(Unavailable, match=r"unable to open database file\. Fix this, or use another --data"):
        embedded_cloud.check_data(tmp_path / "taken")


class Repository:
    """Repository whose builds write one file each. It records the commands."""

    def __init__(self, root):
        self.root = root
        self.commands: list[str] = []

    def run(self, command, **_):
        self.commands.append(" ".join(command[1:]))
        folder = embedded_cloud.LAYERS if "layers.build" in command else embedded_cloud.PAGES
        write(folder / "built", "1")
        return ""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    repository = Repository(tmp_path)
    for name in ("cdk.json", "layers/core/requirements.txt", "web/src/main.ts", "docs/openapi.json", RUNBOOK):
        write(tmp_path / name, "{}")
    for name, folder in (("ROOT", ""), ("BUILD", "build"), ("LAYERS", "build/layers"), ("PAGES", "build/web")):
        monkeypatch.setattr(embedded_cloud, name, tmp_path / folder)
    monkeypatch.setattr(embedded_cloud, "_run", repository.run)
    return repository


RUNBOOK = "docs/runbooks/errors.md"
BUILDS: dict[str, Callable[[], None]] = {"layers": embedded_cloud.build_layers, "pages": embedded_cloud.build_pages}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_unchanged_build_is_reused(build, repository):
    build()
    ran = len(repository.commands)
    build()

    assert ran
    assert len(repository.commands) == ran


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "source of a layer": ("layers", lambda root: write(root / "layers/core/requirements.txt", "orjson")),
    "source of a page": ("pages", lambda root: write(root / "web/src/main.ts", "1")),
    "description of the API": ("pages", lambda root: write(root / "docs/openapi.json", "[]")),
    "runbook": ("pages", lambda root: write(root / RUNBOOK, "# Errors")),
    "damaged layer": ("layers", lambda root: write(root / "build/layers/built", "")),
    "damaged page": ("pages", lambda root: write(root / "build/web/built", "")),
    "missing layer": ("layers", lambda root: (root / "build/layers/built").unlink()),
    "missing pages": ("pages", lambda root: shutil.rmtree(root / "build/web")),
    "added file": ("pages", lambda root: write(root / "build/web/other", "")),
    "build without a stamp": ("layers", lambda root: (root / "build/layers.sources").unlink()),
}


@pytest.mark.parametrize(("name", "change"), CHANGES.values(), ids=CHANGES)
def test_changed_source_or_damaged_build_is_built_again(name, change, repository):
    BUILDS[name]()
    ran = len(repository.commands)
    change(repository.root)
    BUILDS[name]()

    assert len(repository.commands) == 2 * ran


def test_cost_uses_built_layers_and_otherwise_empty_ones(repository):
    def layers_of_last_synthesis():
        embedded_cloud.synthesize("demo", without_layers=True)
        command = repository.commands[-1].split()
        return Path(command[command.index("--layers") + 1]).name

    before = layers_of_last_synthesis()
    embedded_cloud.build_layers()

    assert (before, layers_of_last_synthesis()) == ("empty-layers", "layers")


def test_build_does_not_start_after_builds_were_stopped(repository, monkeypatch):
    monkeypatch.setattr(embedded_cloud, "_run", RUN)
    stopped = threading.Event()
    embedded_cloud.stop_builds(stopped)

    with pytest.raises(embedded_cloud.BuildFailed, match="building the pages was stopped"):
        embedded_cloud.build_pages(stopped)


def test_installed_package_contains_its_pages(repository, monkeypatch):
    monkeypatch.setattr(embedded_cloud, "_IS_CLONE", False)

    embedded_cloud.build_pages()

    assert repository.commands == []
