"""The API does what its description says: requests made of it, good and bad, by schemathesis.

`ALSOLIKE_API_EXAMPLES` is how many are made of each operation in each phase.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from alsolike.operations import ADMINISTER
from tests.api import deployment
from tests.integration.loop.shop import Shop

ROOT = Path(__file__).parents[2]
EXAMPLES = os.environ.get("ALSOLIKE_API_EXAMPLES", "200")


def test_the_api_does_what_its_description_says(shop: Shop, tmp_path: Path) -> None:
    deployment.prepare(shop, tmp_path)
    given = deployment.given(shop)
    (tmp_path / "given.json").write_text(json.dumps(given))
    described = tmp_path / "openapi.json"
    request = urllib.request.Request(
        f"{given['url']}/openapi.json", headers={"authorization": f"Bearer {given['tokens'][ADMINISTER]}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        described.write_bytes(answer.read())

    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            "--config-file",
            ROOT / "tests/api/schemathesis.toml",
            "run",
            described,
            "--url",
            given["url"],
            "--max-examples",
            EXAMPLES,
        ],
        cwd=ROOT,
        env={**os.environ, deployment.GIVEN: str(tmp_path / "given.json")},
        check=False,
    )

    assert done.returncode == 0
