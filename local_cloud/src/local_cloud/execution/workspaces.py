"""Workspaces of functions. Code and layers are extracted once, and the source of every package is recorded."""

import io
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from local_cloud.execution.environment import Workspace
from local_cloud.execution.function import Function
from local_cloud.execution.layers import PackageSource, external_layer, extract_layer, import_paths


class Workspaces:
    """Workspaces below a directory. `layer_content` returns the digest and the zip file of a layer by its ARN.

    It returns None if the content is not available here.
    """

    def __init__(self, directory: Path, *, layer_content: Callable[[str], tuple[str, bytes] | None]) -> None:
        self._directory = directory
        self._layer_content = layer_content
        self._lock = threading.Lock()
        self._extracted: dict[str, tuple[PackageSource, ...]] = {}

    def prepare(self, function: Function) -> Workspace:
        task_root = self._directory / "code" / f"{function.name}-{function.code_sha256[:16].replace('/', '_')}"
        temporary = self._directory / "tmp" / function.name
        with self._lock:
            if not task_root.exists():
                task_root.mkdir(parents=True)
                with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
                    archive.extractall(task_root)
            temporary.mkdir(parents=True, exist_ok=True)
            extracted = [self._layer(arn)[0] for arn in function.layers]
        layers = [path for path in extracted if path is not None]
        return Workspace(task_root=task_root, import_paths=import_paths(layers), temporary=temporary)

    def package_sources(self, function: Function) -> tuple[PackageSource, ...]:
        with self._lock:
            return tuple(source for arn in function.layers for source in self._layer(arn)[1])

    def _layer(self, arn: str) -> tuple[Path | None, tuple[PackageSource, ...]]:
        found = self._layer_content(arn)
        if found is None:
            return None, (external_layer(arn),)
        digest, content = found
        target = self._directory / "layers" / digest[:16].replace("/", "_")
        if digest not in self._extracted:  # Several stacks may publish the same content.
            self._extracted[digest] = extract_layer(arn, content, target)
        return target, tuple(replace(source, layer=arn) for source in self._extracted[digest])
