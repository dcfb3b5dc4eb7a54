"""Target of a layer: a processor architecture and a Python version."""

import platform
import sys
from dataclasses import dataclass

LAMBDA_PYTHON = (3, 13)
TRAINING_PYTHON = (3, 12)
"""Python version of AWS's training image (`infra_cdk.regions`), which is for x86_64."""
ARCHITECTURES = ("arm64", "x86_64")

# Names in wheel tags, and the `e_machine` in ELF headers, by Lambda's name of the processor architecture.
_WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_ELF_MACHINES = {"arm64": 183, "x86_64": 62}


@dataclass(frozen=True, slots=True)
class Target:
    """Processor architecture by Lambda's name, and minor version of Python. The system is Linux with glibc 2.28 or
    later.

    Lambda runs Python 3.12 and later on Amazon Linux 2023, which has a newer glibc.
    """

    architecture: str
    python: tuple[int, int] = LAMBDA_PYTHON

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture is {self.architecture!r}, expected one of {ARCHITECTURES}")

    @property
    def wheel_machine(self) -> str:
        return _WHEEL_MACHINES[self.architecture]

    @property
    def elf_machine(self) -> int:
        return _ELF_MACHINES[self.architecture]

    @property
    def platform(self) -> str:
        """Platform by uv's name."""
        return f"{self.wheel_machine}-manylinux_2_28"

    @property
    def python_version(self) -> str:
        return ".".join(map(str, self.python))


def host_target() -> Target | None:
    architecture = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}.get(platform.machine())
    if sys.platform != "linux" or architecture is None:
        return None
    return Target(architecture, python=(sys.version_info.major, sys.version_info.minor))
