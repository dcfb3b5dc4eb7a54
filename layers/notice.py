"""Generator of NOTICE, which lists the licences of the libraries in a deployment from their metadata.

Run `python -m layers.notice` after a change of a lock file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTICE = ROOT / "NOTICE"
LOCKS = {
    "Layers of the functions": "layers/*/requirements.txt",
    "Training job": "model_export/*.txt",
}
NPM_LOCK = ROOT / "web" / "package-lock.json"


def notice() -> str:
    parts = ["Alsolike contains these libraries in a deployment. Their licences are in their packages."]
    for title, pattern in LOCKS.items():
        lines = {f"  {name} {version}: {_licence(name)}" for name, version in _pins(pattern)}
        parts.append("\n".join([title, *sorted(lines)]))
    parts.append("\n".join(["Pages", *sorted(_npm_lines())]))
    return "\n\n".join(parts) + "\n"


def _pins(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the names and versions of the packages that are locked for Linux."""
    for path in ROOT.glob(pattern):
        for name, version, marker in re.findall(r"^([a-z0-9._-]+)==(\S+)(.*)", path.read_text(), re.MULTILINE):
            if not re.search("== '(emscripten|win32)'", marker):
                yield name, version


def _licence(name: str) -> str:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        raise SystemExit(f"{name} is not installed, so its licence is unknown. Run `make setup` first.") from None
    classifiers = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if "License ::" in line]
    return about["License-Expression"] or ", ".join(classifiers) or (about["License"] or "unknown").splitlines()[0]


def _npm_lines() -> Iterator[str]:
    for path, package in json.loads(NPM_LOCK.read_text())["packages"].items():
        if path and not package.get("dev"):
            yield f"  {path.rpartition('node_modules/')[2]} {package['version']}: {package['license']}"


if __name__ == "__main__":
    NOTICE.write_text(notice())
