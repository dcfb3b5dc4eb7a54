"""AWS's clients of Amazon Personalize on a booted cloud: the oldest boto3, the AWS CLI and the SDK for JavaScript."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from alsolike.configuration.aliases import RECIPES
from tests.booted import personalize_scenario
from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop
from tests.booted.uploads import IMPORT_BUCKET, upload_interactions

OLDEST_BOTO3 = "1.17.0"
HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    assembly = synthesized(**QUICK, import_buckets=[IMPORT_BUCKET])
    with Shop.booted(assembly, tmp_path_factory.mktemp("state")) as shop:
        yield shop


@pytest.fixture(scope="module")
def variables(shop):
    access = [option for name in ("read", "write", "admin") for option in ("--access", name)]
    key: Mapping[str, str] = shop.alsolike("keys", "create", "clients", *access)["environment"]
    return {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, **key}


def install(directory, requirement):
    command = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(directory)]
    subprocess.run([*command, requirement], check=True, timeout=300)
    return str(directory)


def run(command, environment, *, cwd):
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def test_oldest_boto3_runs_the_complete_program(shop, variables, tmp_path):
    location = upload_interactions(shop.cloud.client("s3"))
    path = install(tmp_path / "boto3", f"boto3=={OLDEST_BOTO3}")
    program = shutil.copy(personalize_scenario.__file__, tmp_path)

    found = run([sys.executable, program, location, "p-0"], {**variables, "PYTHONPATH": path}, cwd=tmp_path)

    assert found["boto3"] == OLDEST_BOTO3
    assert found["lists"][0]
    assert found["lists"][0][0] not in found["without"]
    assert found["recommended"] is None  # this version does not support recommenders


def test_aws_cli_calls_the_control_plane(variables, tmp_path):
    environment = {**variables, "PYTHONPATH": install(tmp_path / "awscli", "awscli")}

    def personalize(*arguments):
        return run([sys.executable, "-m", "awscli", "personalize", *arguments], environment, cwd=tmp_path)

    assert len(personalize("list-recipes")["recipes"]) == len(RECIPES)
    schema = json.dumps(personalize_scenario.SCHEMA)
    arn = personalize("create-schema", "--name", "of-the-cli", "--schema", schema)["schemaArn"]
    assert personalize("describe-schema", "--schema-arn", arn)["schema"]["schema"] == schema


def test_javascript_sdk_recommends_and_sends_events(shop, variables, tmp_path):
    for file in (HERE / "package.json", HERE / "package-lock.json", HERE / "program.js", ROOT / "web" / ".npmrc"):
        shutil.copy(file, tmp_path)
    path = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([BIN / "npm", "ci", "--ignore-scripts", "--silent"], cwd=tmp_path, env=path, check=True, timeout=300)

    environment = {**variables, "PATH": path["PATH"]}
    found = run([BIN / "node", "program.js", shop.name("tracking-id"), "javascript"], environment, cwd=tmp_path)

    assert found["recipes"] == len(RECIPES)
    assert found["refusal"] == "ResourceNotFoundException"
