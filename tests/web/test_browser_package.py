"""Files of the browser package: sizes, exports and version."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "build" / "sdk"
MAX_BYTES = 5 * 1024


def script() -> Path:
    (found,) = (ROOT / "build" / "web" / "sdk").glob("*/alsolike.js")
    return found


def test_files_are_small() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in (script(), PACKAGE / "dist" / "index.js")}

    print(sizes)
    assert {name: size for name, size in sizes.items() if size > MAX_BYTES} == {}


def test_package_has_all_files_that_it_exports() -> None:
    package = json.loads((PACKAGE / "package.json").read_text())

    exported = package["exports"]["."]
    assert set(exported) == {"types", "default"}
    for path in (package["main"], package["types"], *exported.values(), "README.md"):
        assert (PACKAGE / path).is_file(), path
    assert not {"dependencies", "peerDependencies"} & set(package)


def test_package_has_the_version_of_the_product() -> None:
    product = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert product
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == product[1]
