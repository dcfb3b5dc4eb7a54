"""The API conforms to its description, also for invalid requests that schemathesis generates.

`ALSOLIKE_API_EXAMPLES` is the number of requests per operation and phase: 200 by default, fewer with `-m ci`.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from alsolike.declarations.routes import ADMINISTER
from tests.slow.api import deployment

ROOT = Path(__file__).parents[3]
EXAMPLES, CI_EXAMPLES = 200, 3

pytestmark = pytest.mark.ci

READING_THE_LAKE = ("EraseUser", "ShowUserData")
"""Operations that read every object of the lake. They run first, because the events of other operations add many
objects."""

MOSTLY_REFUSED = ("PinModel", "UnpinModel", "StartTraining")
"""Operations that run last, because a training run uses the processors and makes another version champion.

Most of their requests are rejected: only one training run can be active, and a version can be pinned once. The warning
about few accepted requests is suppressed.
"""

SELECTIONS = {
    "first": ("include", READING_THE_LAKE),
    "most": ("exclude", (*READING_THE_LAKE, *MOSTLY_REFUSED)),
    "last": ("include", MOSTLY_REFUSED),
}


@pytest.fixture(scope="module")
def given(shop, tmp_path_factory):
    directory = tmp_path_factory.mktemp("given")
    deployment.prepare(shop, directory)
    known = deployment.given(shop)
    (directory / "given.json").write_text(json.dumps(known))
    request = urllib.request.Request(
        f"{known['url']}/openapi.json", headers={"authorization": f"Bearer {known['tokens'][ADMINISTER]}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        (directory / "openapi.json").write_bytes(answer.read())
    return directory


@pytest.fixture
def examples(request):
    default = CI_EXAMPLES if request.config.getoption("markexpr") == "ci" else EXAMPLES
    return os.environ.get("ALSOLIKE_API_EXAMPLES", str(default))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_api_conforms_to_its_openapi_description(shop, given, selection, examples):
    option, names = SELECTIONS[selection]
    arguments = [argument for name in names for argument in (f"--{option}-operation-id", name)]
    arguments += ["--warnings", "missing_auth"] if names == MOSTLY_REFUSED else []
    arguments += ["--seed", "1"] if "SAME_EXAMPLES" in os.environ else []
    command: list[str | Path] = [
        Path(sys.executable).parent / "schemathesis", "--config-file", ROOT / "tests/slow/api/schemathesis.toml",
        "run", given / "openapi.json", "--url", shop.cloud.api_url, "--max-examples", examples, *arguments,
    ]  # fmt: skip

    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, deployment.GIVEN: str(given / "given.json")}, check=False
    )

    assert done.returncode == 0
    if names == MOSTLY_REFUSED:
        assert len(shop.administer("GET", "/operator/trainings").document["runs"]) > 1
