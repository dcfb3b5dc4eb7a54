import pytest

from layers.contents import LayerError
from layers.target import Target
from layers.verification import check_size


def test_target_has_the_names_of_its_processor_for_each_tool() -> None:
    target = Target("arm64")

    assert (target.platform, target.python_version, target.elf_machine) == ("aarch64-manylinux_2_28", "3.13", 183)


def test_unknown_processor_is_refused() -> None:
    with pytest.raises(ValueError, match="architecture is 'riscv64', expected one of"):
        Target("riscv64")


def test_package_at_the_limit_of_lambda_is_accepted() -> None:
    assert check_size({"layer": 262_143_000, "function collect": 1_000}) == 262_144_000


def test_package_above_the_limit_of_lambda_is_refused_with_its_parts() -> None:
    with pytest.raises(LayerError, match=r"262,144,001 bytes .* Lambda's 262,144,000: layer 262,144,000, function x 1"):
        check_size({"layer": 262_144_000, "function x": 1})
