"""The wheel, installed in a fresh environment, works against a deployment and in an empty folder."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

from operations import cost_measurement_shop
from tests.booted.assemblies import synthesized
from tests.booted.shop import Shop, eventually

ROOT = Path(__file__).parents[3]
UV = str(Path(sys.executable).with_name("uv"))


@pytest.fixture(scope="module")
def distribution(tmp_path_factory):
    directory = tmp_path_factory.mktemp("release") / "dist"
    subprocess.run(["make", "dist", f"DIST={directory}"], cwd=ROOT, check=True, timeout=900)
    return directory


@pytest.fixture(scope="module")
def wheel(distribution):
    (found,) = distribution.glob("*.whl")
    return found


def installed(wheel, directory, *, extras):
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(directory)], check=True, timeout=300)
    install = [UV, "pip", "install", "--quiet", "--python", str(directory / "bin" / "python")]
    constraint = ["-c", str(ROOT / "requirements.lock")]
    subprocess.run([*install, *constraint, f"{wheel}{extras}"], check=True, timeout=900)
    return directory / "bin"


@pytest.mark.ci
def test_top_level_names_of_the_wheel_start_with_alsolike(wheel):
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == {"alsolike", "alsolike_app"}


@pytest.mark.ci
def test_wheel_contains_the_pages_and_two_copies_of_the_core(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    source = "alsolike_app/layers/core/python/"
    tracked = subprocess.run(
        ["git", "ls-files", "layers/core/python"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    core = sorted(name.removeprefix("layers/core/python/") for name in tracked)

    assert {"alsolike_app/build/web/index.html", "alsolike_app/build/web/console.html"} <= set(names)
    assert sorted(name for name in names if name.startswith("alsolike/")) == core
    assert sorted(name.removeprefix(source) for name in names if name.startswith(source)) == core


@pytest.mark.ci
def test_bills_of_materials_have_every_locked_dependency(distribution):
    python = json.loads((distribution / "alsolike.cdx.json").read_bytes())
    pages = json.loads((distribution / "alsolike-pages.cdx.json").read_bytes())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert python["metadata"]["component"]["name"] == project["name"]
    assert pages["metadata"]["component"]["version"] == project["version"]
    listed = {(component["name"], component["version"]) for component in python["components"]}
    locked = set(re.findall(r"^([\w-]+)==([^ ;+]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert listed <= locked | {("torch", version) for name, version in listed if name == "torch"}
    assert {"boto3", "moto", "onnxruntime", "pyspark"} <= {name for name, _ in listed}
    wanted = json.loads((ROOT / "web" / "package.json").read_bytes())["dependencies"]
    assert wanted.items() <= {component["name"]: component["version"] for component in pages["components"]}.items()


@pytest.mark.ci
def test_installed_command_works_with_a_deployment(wheel, tmp_path):
    commands = installed(wheel, tmp_path / "environment", extras="")
    (tmp_path / "purchases.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nann,pear,1700000000,purchase\n")
    with Shop.booted(synthesized(), tmp_path) as shop:
        aws = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": shop.cloud.endpoint,
            "AWS_REGION": shop.cloud.state.region,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }

        def alsolike(*arguments):
            command = [str(commands / "alsolike"), "--env", "demo", "--format", "json", *arguments]
            done = subprocess.run(command, cwd=tmp_path, env=aws, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        assert alsolike("status")["environment"] == "demo"
        assert alsolike("import", "interactions", "purchases.csv")["imported"] == 1
        assert [each["item_id"] for each in alsolike("users", "profile", "ann")["recent"]] == ["pear"]
        assert alsolike("models", "list") == []


class EmptyFolder:
    """Folder outside the repository, and the installed command."""

    def __init__(self, path, commands):
        self.path = path
        self._command = str(commands / "alsolike")
        downloads = subprocess.run([UV, "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
            "PATH": os.pathsep.join((str(commands), os.defpath)),
            "XDG_CACHE_HOME": str(path.parent / "cache"),
            "UV_CACHE_DIR": downloads,
        }

    def start(self, *arguments):
        return subprocess.Popen(
            [self._command, *arguments],
            cwd=self.path,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments, timeout_s=300):
        done = subprocess.run(
            [self._command, *arguments],
            cwd=self.path,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def folder(wheel, tmp_path):
    commands = installed(wheel, tmp_path / "environment", extras="[demo]")
    (tmp_path / "empty").mkdir()
    return EmptyFolder(tmp_path / "empty", commands)


def output_until(process, start):
    """Return the lines that a process prints until its end, or up to the first line that starts with `start`."""
    assert process.stdout is not None
    lines: list[str] = []
    while line := process.stdout.readline():
        lines.append(line)
        if line.startswith(start):
            break
    return lines


@pytest.mark.ci
def test_embedded_cloud_of_the_wheel_runs_in_an_empty_folder(folder):
    cost_measurement_shop.write_interactions(folder.path / "orders.csv", now_s=int(time.time()))
    cloud = folder.start("up")
    try:
        output = output_until(cloud, "Next, in another terminal")
        assert cloud.poll() is None, "".join(output)
        (storefront,) = [line.split()[1] for line in output if line.startswith("storefront")]
        page = urllib.request.urlopen(storefront, timeout=60).read()
        folder.run("import", "interactions", "orders.csv")
        folder.run("train")
        user_id = cost_measurement_shop.user_ids()[0]
        recommended = eventually(  # A slow machine may exceed the time budget of the default settings.
            lambda: json.loads(folder.run("recommend", "--user", user_id, "--json")),
            holds=lambda answer: answer["source"] == "model",
        )
        status = json.loads(folder.run("status", "--json"))
        folder.run("down")
        assert cloud.wait(120) == 0
    finally:
        cloud.kill()

    assert b"<title>" in page
    assert recommended["source"] == "model"
    assert status["champion"] is not None
    assert sorted(path.name for path in folder.path.iterdir()) == [".alsolike", "orders.csv"]


def test_demo_of_the_wheel_runs_in_an_empty_folder(folder):
    output = folder.run("demo", "--users", "50", "--exit", timeout_s=900)

    assert "Recommendations for shopper" in output
