import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from assemblies import asset, write_assembly
from local_cloud.assembly import FileAsset, read_assembly
from local_cloud.deployment import DeploymentError


def test_stacks_are_in_the_order_of_their_dependencies(tmp_path):
    stacks: dict[str, Any] = {"a": {}, "b": {}, "c": {}}
    write_assembly(tmp_path, stacks, dependencies={"a": ["c"], "c": ["b"]})

    assert [stack.name for stack in read_assembly(tmp_path)] == ["b", "c", "a"]


def test_circular_stacks_are_an_error(tmp_path):
    stacks: dict[str, Any] = {"a": {}, "b": {}, "c": {}}
    write_assembly(tmp_path, stacks, dependencies={"a": ["b"], "b": ["c"], "c": ["a"]})

    with pytest.raises(DeploymentError, match="circular dependency between stacks: a -> b -> c -> a"):
        read_assembly(tmp_path)


def test_stack_of_a_nested_assembly_is_read(tmp_path):
    write_assembly(tmp_path / "assembly-live", {"live": {"Description": "nested"}})
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-live"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"assembly-live": nested}}))

    (stack,) = read_assembly(tmp_path)

    assert (stack.name, stack.template["Description"]) == ("live", "nested")


def test_stack_has_its_own_name_and_environment(tmp_path):
    write_assembly(tmp_path, {"artifact": {}}, environment="aws://111122223333/unknown-region")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["artifacts"]["artifact"]["properties"]["stackName"] = "shop"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))

    (stack,) = read_assembly(tmp_path)

    assert (stack.name, stack.account, stack.region) == ("shop", "111122223333", None)


def test_stack_has_its_assets(tmp_path):
    write_assembly(tmp_path, {"shop": {}}, assets={"1": asset("code", packaging="zip")})

    (stack,) = read_assembly(tmp_path)

    bucket = "assets-${AWS::AccountId}-${AWS::Region}"
    assert stack.assets == (FileAsset(source=tmp_path / "code", packaging="zip", bucket=bucket, key="code"),)


def test_directory_is_zipped_to_the_same_bytes_each_time(tmp_path):
    for copy in ("one", "two"):
        (tmp_path / copy / "package").mkdir(parents=True)
        (tmp_path / copy / "package" / "module.py").write_text("x = 1")
        (tmp_path / copy / "run.sh").write_text("#!/bin/sh")
        (tmp_path / copy / "run.sh").chmod(0o755)

    one, two = (
        FileAsset(source=tmp_path / copy, packaging="zip", bucket="b", key="k").content() for copy in ("one", "two")
    )

    assert one == two
    with zipfile.ZipFile(BytesIO(one)) as archive:
        assert archive.namelist() == ["package/module.py", "run.sh"]
        assert archive.getinfo("run.sh").external_attr >> 16 & 0o777 == 0o755


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, r"manifest\.json does not exist"),
        ("{", r"manifest\.json is not JSON"),
        ('{"artifacts": {"x": {"type": "cdk:moon"}}}', "artifact x has unknown type cdk:moon"),
    ],
)
def test_invalid_manifest_error_has_its_reason(tmp_path, manifest, message):
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)

    with pytest.raises(DeploymentError, match=message):
        read_assembly(tmp_path)


def test_container_image_is_an_error(tmp_path):
    write_assembly(tmp_path, {"shop": {}})
    (tmp_path / "assets.json").write_text(json.dumps({"files": {}, "dockerImages": {"image": {}}}))

    with pytest.raises(DeploymentError, match=r"container images cannot be deployed here: \['image'\]"):
        read_assembly(tmp_path)
