"""The target of a layer: a processor and a version of Python."""

import platform
import sys
from dataclasses import dataclass

LAMBDA_PYTHON = (3, 13)
TRAINING_PYTHON = (3, 12)
"""Python of AWS's training image (`infra_cdk.regions`), which is for x86_64."""
ARCHITECTURES = ("arm64", "x86_64")

# Lambda's names of processors -> the names in wheels' tags, the `e_machine` in ELF headers.
_WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_ELF_MACHINES = {"arm64": 183, "x86_64": 62}


@dataclass(frozen=True, slots=True)
class Target:
    """A processor, as Lambda calls it, and a minor version of Python; always Linux with glibc 2.28 or later.

    Lambda runs Python 3.12 and later on Amazon Linux 2023, whose glibc is newer than that.
    """

    architecture: str
    python: tuple[int, int] = LAMBDA_PYTHON

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture is {self.architecture!r}, expected one of {ARCHITECTURES}")

    @property
    def wheel_machine(self) -> str:
        """The processor in wheels' tags."""
        return _WHEEL_MACHINES[self.architecture]

    @property
    def elf_machine(self) -> int:
        """The `e_machine` of libraries for this processor."""
        return _ELF_MACHINES[self.architecture]

    @property
    def platform(self) -> str:
        """The platform as uv names it."""
        return f"{self.wheel_machine}-manylinux_2_28"

    @property
    def python_version(self) -> str:
        """The version of Python, such as ``3.13``."""
        return ".".join(map(str, self.python))


def host_target() -> Target | None:
    """Return what runs on this machine, or None if no layer can."""
    architecture = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}.get(platform.machine())
    if sys.platform != "linux" or architecture is None:
        return None
    return Target(architecture, python=(sys.version_info.major, sys.version_info.minor))
