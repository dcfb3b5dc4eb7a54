import io
import struct
import zipfile
from unittest import mock

import pytest

from builders import lambda_function
from local_cloud.execution.workspaces import Workspaces, extract_layer, foreign_binary, import_paths

HERE = (".cpython-311-x86_64-linux-gnu.so", ".abi3.so", ".so")
ARN = "arn:aws:lambda:us-east-1:123456789012:layer:core:1"


def elf(machine):
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine)


def verdict(name, machine, *, system="linux"):
    return foreign_binary(name, elf(machine), suffixes=HERE, machine="x86_64", system=system)


def test_extension_for_this_python_and_processor_is_loaded():
    assert verdict("_x.cpython-311-x86_64-linux-gnu.so", 62) is None
    assert verdict("_x.abi3.so", 62) is None
    assert verdict("libx.so.1.2", 62) is None


def test_extension_for_another_python_is_refused():
    assert (verdict("_x.cpython-313-x86_64-linux-gnu.so", 62) or "").startswith(
        "_x.cpython-313-x86_64-linux-gnu.so is built for cpython-313-x86_64-linux-gnu"
    )


@pytest.mark.parametrize("name", ["_x.abi3.so", "libx.so", "libx.so.1", "_x.cpython-311-x86_64-linux-gnu.so"])
def test_binary_for_another_processor_is_refused(name):
    assert (verdict(name, 183) or "").startswith(f"{name} is built for aarch64")


def test_linux_binary_is_refused_elsewhere():
    assert verdict("_x.abi3.so", 62, system="darwin") == "_x.abi3.so is built for Linux; this is darwin"


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_only_packages_that_cannot_be_loaded_are_omitted(tmp_path):
    content = zipped(
        {
            "python/pure.py": b"",
            "python/numpy/__init__.py": b"",
            "python/numpy/_core/_x.cpython-399-aarch64-linux-gnu.so": elf(183),
            "python/numpy.libs/libblas.so": elf(183),
            "python/numpy-9.9.dist-info/RECORD": b"numpy/__init__.py,,\nnumpy.libs/libblas.so,,\n"
            b"numpy/_core/_x.cpython-399-aarch64-linux-gnu.so,,\nnumpy-9.9.dist-info/RECORD,,\n",
            "python/google/whole/__init__.py": b"",
            "bin/tool": b"",
        }
    )

    sources = {source.package: source for source in extract_layer(ARN, content, tmp_path)}

    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["bin/tool", "python/google/whole/__init__.py", "python/pure.py"]
    assert {name: source.source for name, source in sources.items()} == {
        "pure": "layer",
        "google": "layer",
        "numpy": "environment",
    }
    assert "the environment has numpy " in sources["numpy"].reason


def test_replacement_of_a_package_is_named_by_its_distribution(tmp_path):
    content = zipped({"python/dateutil/_x.cpython-399-aarch64-linux-gnu.so": elf(183)})

    (source,) = extract_layer(ARN, content, tmp_path)

    assert "the environment has python-dateutil " in source.reason


def test_package_in_neither_layer_nor_environment_is_missing(tmp_path):
    content = zipped({"python/nowhere_at_all/_x.cpython-399-aarch64-linux-gnu.so": elf(183)})

    (source,) = extract_layer(ARN, content, tmp_path)

    assert source.reason.endswith("the environment does NOT have it: importing it will fail")


def test_layer_merged_last_is_imported_first(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name / "python").mkdir(parents=True)
    (tmp_path / "second" / "python" / "lib" / "python3.13" / "site-packages").mkdir(parents=True)

    paths = import_paths([tmp_path / "first", tmp_path / "second"])

    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "second/python/lib/python3.13/site-packages",
        "second/python",
        "first/python",
    ]


def test_layer_of_another_account_is_taken_from_the_environment(tmp_path):
    arn = "arn:aws:lambda:us-east-1:336392948345:layer:AWSSDKPandas-Python313-Arm64:4"
    function = lambda_function(layers=(arn,), code=zipped({}))
    workspaces = Workspaces(tmp_path, layer_content=lambda arn: None)

    (source,) = workspaces.package_sources(function)

    assert workspaces.prepare(function).import_paths == []
    assert (source.package, source.source) == ("*", "environment")
    assert "336392948345" in source.reason


def test_layers_with_the_same_content_are_extracted_once(tmp_path, monkeypatch):
    extract = mock.Mock(wraps=extract_layer)
    monkeypatch.setattr("local_cloud.execution.workspaces.extract_layer", extract)
    content = {"layer:one:1": "a", "layer:two:1": "a", "layer:three:1": "b"}
    workspaces = Workspaces(
        tmp_path, layer_content=lambda arn: (content[arn], zipped({f"python/{content[arn]}.py": b""}))
    )
    function = lambda_function(layers=tuple(content), code=zipped({}))

    first, second, third = workspaces.prepare(function).import_paths

    assert extract.call_count == 2
    assert first == tmp_path / "layers" / "b" / "python"
    assert second == third == tmp_path / "layers" / "a" / "python"
    assert {(source.layer, source.package) for source in workspaces.package_sources(function)} == set(content.items())
