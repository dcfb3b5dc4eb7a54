"""Code and layers of functions on this host. Packages that were compiled for another machine are not extracted.

A layer is built for the function's processor and Python version. Pure Python packages run here unchanged. If this
interpreter cannot load the compiled files of a package, the package is not extracted, and the installed package is
imported instead. `PackageSource` gives the reason.
"""

import contextlib
import functools
import importlib.machinery
import importlib.metadata
import importlib.util
import io
import platform
import re
import struct
import sys
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from local_cloud.execution.environment import Workspace
from local_cloud.execution.function import Function

# e_machine of an ELF header, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_ELF_MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183}
_ELF_NAMES = {62: "x86_64", 183: "aarch64"}
_PYTHON_FOLDER = re.compile(r"^python/(?:lib/python3\.\d+/site-packages/)?")
_TAGGED = re.compile(r"\.(cpython-[^.]+|cp\d[^.]*|pypy[^.]*)\.(so|pyd)$")
_SHARED_OBJECT = re.compile(r"\.so(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Source of a layer's package on this host: `layer` or `environment`, and the reason."""

    layer: str
    package: str
    source: str
    reason: str


class Workspaces:
    """Workspaces below a directory. `layer_content` returns the digest and the zip file of a layer by its ARN.

    It returns None for a layer of another account. Installed packages replace the packages of such a layer.
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
            reason = f"layer of another account, {arn}, whose content is not in the assembly"
            return None, (PackageSource(layer=arn, package="*", source="environment", reason=reason),)
        digest, content = found
        target = self._directory / "layers" / digest[:16].replace("/", "_")
        if digest not in self._extracted:  # Several stacks may publish the same content.
            self._extracted[digest] = extract_layer(arn, content, target)
        return target, tuple(replace(source, layer=arn) for source in self._extracted[digest])


def extract_layer(arn: str, content: bytes, target: Path) -> tuple[PackageSource, ...]:
    """Extract a layer's zip file into `target`, and return the source of each package."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        left_out: set[str] = set()
        sources = []
        for package, members in sorted(_packages(archive, files).items()):
            if misfit := _misfit(archive, members):
                left_out |= members
                sources.append(PackageSource(arn, package, "environment", _replacement(package, misfit)))
            else:
                sources.append(PackageSource(arn, package, "layer", "as built"))
        for name in files:
            if name not in left_out:
                archive.extract(name, target)
    return tuple(sources)


def import_paths(directories: Iterable[Path]) -> list[Path]:
    """Return the import paths of the layers in `directories`. The layer that is merged last comes first."""
    paths = []
    for directory in reversed(list(directories)):
        paths += sorted(directory.glob("python/lib/python3.*/site-packages"))
        paths.append(directory / "python")
    return [path for path in paths if path.is_dir()]


def _packages(archive: zipfile.ZipFile, files: list[str]) -> dict[str, set[str]]:
    """Group Python files by distribution if the layer contains its RECORD, and by top-level name otherwise."""
    packages: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, str] = {}
    known = set(files)
    for name in files:
        if name.endswith(".dist-info/RECORD"):
            folder = PurePosixPath(name).parent.parent
            distribution = PurePosixPath(name).parent.name.partition("-")[0].lower()
            for line in archive.read(name).decode().splitlines():
                member = str(folder / line.partition(",")[0].strip('"'))
                if member in known:
                    owners[member] = distribution
    for name in files:
        inside = _PYTHON_FOLDER.sub("", name)
        if inside != name:
            top = inside.split("/")[0]
            packages[owners.get(name) or top.partition(".")[0].partition("-")[0].lower()].add(name)
    return packages


def _misfit(archive: zipfile.ZipFile, members: Iterable[str]) -> str | None:
    """Return the reason why this interpreter cannot load a compiled file, or None if it can load all of them."""
    for name in sorted(members):
        if _SHARED_OBJECT.search(name) or name.endswith(".pyd"):
            with archive.open(name) as file:
                reason = foreign_binary(PurePosixPath(name).name, file.read(20))
            if reason:
                return reason
    return None


def foreign_binary(
    name: str,
    header: bytes,
    *,
    suffixes: Iterable[str] = importlib.machinery.EXTENSION_SUFFIXES,
    machine: str = platform.machine(),
    system: str = sys.platform,
) -> str | None:
    """Return the reason why a compiled file that starts with `header` cannot be loaded, or None if it can."""
    here = f"this is {sys.implementation.cache_tag} on {machine}"
    tag = _TAGGED.search(name)
    if tag and not any(name.endswith(suffix) for suffix in suffixes if suffix not in (".so", ".pyd")):
        return f"{name} is built for {tag[1]}; {here}"
    if header.startswith(b"\x7fELF"):
        if system != "linux":
            return f"{name} is built for Linux; this is {system}"
        built_for = struct.unpack("<H" if header[5] == 1 else ">H", header[18:20])[0]
        if built_for != _ELF_MACHINES.get(machine.lower()):
            return f"{name} is built for {_ELF_NAMES.get(built_for, f'ELF machine {built_for}')}; {here}"
    return None


def _replacement(package: str, reason: str) -> str:
    """Return the reason with the installed replacement of the package, or with a warning that there is none."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return f"{reason}; the environment has {package} {importlib.metadata.version(package)}"
    if names := _distributions().get(package):
        return f"{reason}; the environment has {names[0]} {importlib.metadata.version(names[0])}"
    if importlib.util.find_spec(package) is not None:
        return f"{reason}; the environment has it"
    return f"{reason}; the environment does NOT have it: importing it will fail"


_distributions = functools.cache(importlib.metadata.packages_distributions)  # The search takes half a second.
