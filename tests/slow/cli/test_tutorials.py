"""Commands of the tutorials, run in order on the embedded cloud."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.first_hour import write_files
from local_cloud.client import Cloud
from operations.configuration import yaml_document
from tests.booted.assemblies import synthesized
from tests.builders.snippets import ROOT, run, snippets

TUTORIALS = ROOT / "docs" / "tutorials"
BIN = Path(sys.executable).parent
INSTALLED = ("make setup", ". .venv/bin/activate")
"""Lines that are not run, because the tests' environment is installed."""

NOT_HERE = (
    *INSTALLED,
    "make ",
    "export AWS_",
    "python -m layers.build",
    "alias ",
    "cdk ",
    "alsolike destroy",
    "alsolike doctor",
)
_STARTS_WITHIN_S = 600


@pytest.fixture
def shop(tmp_path):
    write_files(tmp_path, end_s=int(time.time()) - 86_400)
    (tmp_path / "books.csv").rename(tmp_path / "items.csv")
    return tmp_path


@pytest.fixture
def environment():
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ALSOLIKE_"))}
    return {**inherited, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}


@contextlib.contextmanager
def running_cloud(directory, environment):
    with (directory / "up.log").open("w+") as log:
        process = subprocess.Popen(["alsolike", "up"], cwd=directory, env=environment, stdout=log, stderr=log)
        try:
            ends = time.monotonic() + _STARTS_WITHIN_S
            while "\n  3. " not in (output := (directory / "up.log").read_text()):
                assert process.poll() is None, output
                assert time.monotonic() < ends, output
                time.sleep(0.5)
            yield
        finally:
            process.terminate()
            process.wait(60)


def test_commands_of_the_own_shop_tutorial_work(shop, environment):
    page = TUTORIALS / "your-own-shop.md"
    printed: dict[str, str] = {}

    def run_all(text):
        for line in text.splitlines():
            if line not in INSTALLED:
                printed[line] = run("sh", line, environment=environment, directory=shop, stdin="y\n")

    with contextlib.ExitStack() as cloud:
        for heading, language, text in snippets(page, "sh", "yaml"):
            if text.strip() == "alsolike up":
                cloud.enter_context(running_cloud(shop, environment))
            elif language == "sh":
                run_all(text)
            elif heading.startswith("6."):
                with (shop / "shop.yaml").open("a") as file:
                    file.write(text)
            else:
                assert (
                    yaml_document.read(text).value
                    == yaml_document.read(printed["alsolike config infer items.csv"]).value
                )

    assert printed["alsolike import interactions events.csv --event-type purchase"].count("20,000") == 1
    assert "because of" in printed["alsolike recommend --user u229 --explain"]
    assert "alsolike config apply shop.yaml" in " ".join(printed)
    assert not (shop / ".alsolike" / "data").exists()


@pytest.fixture
def dev(environment, tmp_path):
    if shutil.which("aws") is None or shutil.which("curl") is None:
        pytest.skip("the AWS CLI or curl is not installed")
    with Cloud.start(synthesized("dev"), state=tmp_path / "cloud.json") as cloud:
        yield {
            **environment,
            "ALSOLIKE_STATE": str(tmp_path / "cloud.json"),
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": cloud.state.region,
            "AWS_DEFAULT_REGION": cloud.state.region,
        }


def test_commands_of_the_first_deployment_tutorial_work(shop, dev):
    """The test leaves out the CDK, `doctor`, `destroy` and the build of layers, which need AWS or the network."""
    page = TUTORIALS / "first-deployment.md"
    steps = [text.replace("\\\n", "") for _, _, text in snippets(page, "sh")]
    commands = [line for text in steps for line in text.splitlines() if not line.startswith(NOT_HERE)]
    script = "\n".join(["set -x", *commands]).replace(" --env dev", "")

    printed = run("sh", script, environment=dev, directory=shop)

    assert len(commands) == 10
    assert "champion" in printed
    assert printed.count('"itemId"') == 5


def test_first_deployment_tutorial_lists_the_stacks_in_order():
    page = (TUTORIALS / "first-deployment.md").read_text()
    manifest = json.loads((synthesized("dev") / "manifest.json").read_text())
    stacks = {
        name: artifact.get("dependencies", ())
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }

    rows = re.findall(r"^\| (`alsolike-dev-.*?) \|", page, re.M)
    named = [
        f"alsolike-dev-{name.removeprefix('alsolike-dev').lstrip('-')}"
        for row in rows
        for name in re.findall("`(.*?)`", row)
    ]
    deployed = re.findall(r"^cdk deploy (alsolike\S+)", page, re.M)

    assert {*named} - {*stacks} == {"alsolike-dev-kafka"}  # exists only with its setting
    assert {*stacks} - {*named} == set()
    assert [
        (one, other) for place, one in enumerate(named) for other in stacks.get(one, ()) if other in named[place:]
    ] == []
    assert {*deployed} < {*stacks}
