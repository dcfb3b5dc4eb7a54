from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alsolike.runtime.errors import Unavailable
from cli import terminal
from local_cloud import client
from local_cloud.client import Cloud, CloudError
from local_cloud.state import CloudState
from operations import embedded_cloud, progress

NOBODY = "http://127.0.0.1:1"


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


def test_build_does_not_start_after_builds_were_stopped(tmp_path):
    stopped = threading.Event()
    embedded_cloud.stop_builds(stopped)

    with pytest.raises(embedded_cloud.BuildFailed, match="building the pages was stopped"):
        embedded_cloud._run(["touch", str(tmp_path / "started")], action="building the pages", stopped=stopped)

    assert not (tmp_path / "started").exists()


def test_installed_package_contains_its_pages(repository, monkeypatch):
    monkeypatch.setattr(embedded_cloud, "_IS_CLONE", False)

    embedded_cloud.build_pages()

    assert repository.commands == []
