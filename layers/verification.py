"""Checks of a built layer: the size, and that ELF files and wheels fit the target."""

import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from layers.contents import LayerError, files
from layers.target import Target

SIZE_LIMIT_BYTES = 262_144_000
"""Lambda's limit for the unzipped size of a function with all its layers."""

_ELF_MAGIC = b"\x7fELF"
_EXTENSION_TAG = re.compile(r"\.cpython-(?P<python>\d+)-(?P<machine>[^.]+)\.so$")
_GLIBC = re.compile(r"manylinux_2_(\d+)_")


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


def digest(folder: Path) -> str:
    """Return a SHA-256 over the names, modes and times of everything in a folder, and over the bytes of files."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.as_posix()):
        status = path.stat()
        sha.update(f"{path.relative_to(folder).as_posix()}\0{status.st_mode:o}\0{status.st_mtime_ns}\0".encode())
        if path.is_file():
            sha.update(path.read_bytes())
    return sha.hexdigest()


def check_size(parts: Mapping[str, int]) -> int:
    total = sum(parts.values())
    if total > SIZE_LIMIT_BYTES:
        listed = ", ".join(f"{name} {size:,}" for name, size in parts.items())
        raise LayerError(f"{total:,} bytes unzipped are above Lambda's {SIZE_LIMIT_BYTES:,}: {listed}")
    return total


def check_binaries(folder: Path, target: Target) -> int:
    """Return the number of ELF files in a layer. Raise `LayerError` if an ELF file or a wheel does not fit `target`."""
    libraries = 0
    for path in files(folder):
        with path.open("rb") as file:
            header = file.read(20)
        if not header.startswith(_ELF_MAGIC):
            continue
        libraries += 1
        (machine,) = struct.unpack_from("<H", header, 18)
        if machine != target.elf_machine:
            raise LayerError(f"{path} has ELF machine {machine}, expected {target.elf_machine} ({target.architecture})")
        tag = _EXTENSION_TAG.search(path.name)
        version = "".join(map(str, target.python))
        if tag and (tag["python"], tag["machine"]) != (version, f"{target.wheel_machine}-linux-gnu"):
            raise LayerError(f"{path} is for {tag[0]}, expected cpython-{version}-{target.wheel_machine}-linux-gnu")
    for path in sorted((folder / "python").glob("*.dist-info/WHEEL")):
        tags = [line.removeprefix("Tag: ") for line in path.read_text().splitlines() if line.startswith("Tag: ")]
        if not any(_fits(tag, target) for tag in tags):
            raise LayerError(f"{path} has tags {tags}; none fits Python {target.python_version} on {target.platform}")
    return libraries


def _fits(tag: str, target: Target) -> bool:
    python, abi, platform = tag.split("-")
    version = "cp" + "".join(map(str, target.python))
    if platform == "any":
        return abi == "none" and python in {"py3", version, *(f"py3{minor}" for minor in range(target.python[1] + 1))}
    if not (python == abi == version or abi == "abi3"):
        return False
    glibc = _GLIBC.match(platform)
    # manylinux2014 and older require at most glibc 2.17.
    return platform.endswith(f"_{target.wheel_machine}") and (
        (glibc is not None and int(glibc[1]) <= 28) or platform.startswith("manylinux20")
    )
