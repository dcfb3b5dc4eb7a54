"""Snippets of README.md, docs/api.md, docs/algorithms.md and a tutorial, run against a shop on a booted cloud."""

import functools
import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from alsolike.declarations.storage import CHAMPION_KEY
from local_cloud.client import Cloud
from tests.booted.assemblies import PATIENT, synthesized
from tests.booted.shop import SECONDS_PER_DAY, Shop, eventually
from tests.builders.snippets import ROOT, run, snippets

pytestmark = pytest.mark.ci

README, API, ALGORITHMS, TUTORIAL = (
    ROOT / name for name in ("README.md", "docs/api.md", "docs/algorithms.md", "docs/tutorials/own-algorithm.md")
)
OWN = ROOT / "build" / "own-algorithm"
"""Folder of the tutorial's algorithm, which must be inside the repository."""
CONFIGURATION = """\
format: 1
items:
  columns: {TITLE: text, PRICE: number}
filters:
  up-to: INCLUDE ItemID WHERE Items.PRICE <= $PRICE
"""


def write_files(directory):
    """Write the files that the README imports, for 60 users who buy from one of three groups of ten products each."""
    now = int(time.time())
    rows = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE"]
    for user in range(60):
        for day in range(30):
            item = 10 * (user % 3) + (user + day) % 10
            rows.append(f"{user},{item},{now - (31 - day) * SECONDS_PER_DAY + user},purchase")
    (directory / "purchases.csv").write_text("\n".join(rows))
    products = [f"{item},Product {item},{item / 4}" for item in range(30)]
    (directory / "products.csv").write_text("\n".join(["ITEM_ID,TITLE,PRICE", *products]))


@pytest.fixture(scope="module")
def booted(tmp_path_factory):
    directory = tmp_path_factory.mktemp("snippets")
    OWN.mkdir(parents=True, exist_ok=True)
    (_, _, example), *_ = snippets(ALGORITHMS, "python")
    (OWN / "newcomers.py").write_text(example)
    assembly = synthesized(
        **PATIENT,
        training_package=str(OWN.relative_to(ROOT)),
        training_algorithms=["newcomers", "popularity"],
    )
    with Cloud.start(assembly, state=directory / "cloud.json", tls=directory / "tls") as cloud:
        yield Shop(cloud, directory / "cloud.json")


@pytest.fixture
def shop(booted):
    """Yield the shop, and delete its champion afterwards, because the gate rejects a second model of the same data."""
    yield booted
    s3, bucket = booted.cloud.client("s3"), booted.name("artefact-bucket")
    for version in s3.list_object_versions(Bucket=bucket, Prefix=CHAMPION_KEY).get("Versions", ()):
        s3.delete_object(Bucket=bucket, Key=CHAMPION_KEY, VersionId=version["VersionId"])


@pytest.fixture
def environment(shop):
    """Yield a shell's variables after `alsolike up --tls` and the README's exports, then delete the created key."""
    certificate = shop.cloud.state.certificate
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = shop.alsolike("keys", "create", "reader")["environment"]
    yield {
        **os.environ,
        "PATH": path,
        "ALSOLIKE_STATE": str(shop.state),
        **variables,
        "AWS_CA_BUNDLE": certificate,
        "CURL_CA_BUNDLE": certificate,
    }
    shop.run_alsolike("keys", "delete", variables["AWS_ACCESS_KEY_ID"])


def test_snippets_of_readme_and_api_page_work(shop, environment, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    write_files(tmp_path)
    commands = [
        (language, text)
        for page in (README, API)
        for _, language, text in snippets(page, "sh", "python")
        if "make demo" not in text and "alsolike up" not in text  # the fixture has booted the cloud
    ]
    assert len(commands) == 5

    printed = [run(*command, environment=environment, directory=tmp_path) for command in commands]

    imported, curl, client, *_ = printed
    assert "Product" in imported
    assert len(json.loads(curl)["itemList"]) == 5
    assert client.count("itemId") == 5
    configuration = tmp_path / "shop.yaml"
    configuration.write_text(CONFIGURATION)
    shop.alsolike("config", "apply", configuration, "--reason", "the page's filter")
    sent = [(heading, text) for heading, _, text in snippets(API, "json") if heading.startswith("POST /")]
    requests = {heading.split(",")[0].removeprefix("POST "): text for heading, text in reversed(sent)}
    paths = {"/events", "/items", "/actions", "/recommendations", "/personalize-ranking", "/action-recommendations"}
    assert set(requests) == paths
    for path, text in requests.items():
        post = functools.partial(shop.post, path, json.loads(text))
        # waits until the functions have read the configuration
        answer = eventually(post, holds=lambda answer: answer.status == 200)
        assert answer.status == 200, (path, answer.document)


def test_tutorial_algorithm_is_evaluated_and_trained(shop, environment, tmp_path):
    write_files(tmp_path)
    (tmp_path / "purchases.csv").rename(tmp_path / "events.csv")
    (tmp_path / "own").symlink_to(OWN)
    run_here = functools.partial(run, "sh", environment=environment, directory=tmp_path)
    ((_, _, evaluate),) = (snippet for snippet in snippets(TUTORIAL, "sh") if "alsolike evaluate" in snippet[2])
    ((_, _, train),) = (snippet for snippet in snippets(TUTORIAL, "sh") if "alsolike train" in snippet[2])
    steps = [line for line in train.splitlines() if not line.startswith(". .venv")]

    evaluated = run_here(evaluate)
    assert "newcomers" in evaluated
    assert "Lists for user 42" in evaluated
    for step in steps[:-1]:
        run_here(step)
    version = json.loads(run_here("alsolike models list --json"))[0]["version"]
    shown = run_here(steps[-1].replace("VERSION", version))

    assert "newcomers" in shown
