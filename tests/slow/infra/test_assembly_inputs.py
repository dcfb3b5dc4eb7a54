"""The files that a real synthesis reads are inputs of the assembly cache."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra_cdk.assembly import INPUTS, inputs_digest
from operations import embedded_cloud
from tests.infra.assembly import write_empty_layers

ROOT = Path(__file__).parents[3]
_AUDITED = """
import sys
opened = set()
sys.addaudithook(lambda event, arguments: event == "open" and opened.add(str(arguments[0])))
from infra_cdk import app
assert app.main(sys.argv[2:]) == 0
with open(sys.argv[1], "w") as file:
    file.write("\\n".join(sorted(opened)))
"""


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    return write_empty_layers(tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="module")
def synthesized(layers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    options = ["--environment", "demo", "--outdir", str(folder / "assembly"), "--layers", str(layers)]
    command = [sys.executable, "-c", _AUDITED, str(folder / "opened"), *options, "--skip-template-check"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=600)
    paths = [Path(line) for line in (folder / "opened").read_text().splitlines()]
    return folder / "assembly", [path for path in paths if ROOT in path.parents and ".venv" not in path.parts]


def is_input(path):
    return any(path == ROOT / name or ROOT / name in path.parents for name in INPUTS)


def test_files_opened_by_the_app_are_inputs(synthesized):
    _, opened = synthesized

    assert ROOT / "cdk.json" in opened
    assert [path for path in opened if not is_input(path)] == []


def test_files_of_assets_come_from_inputs(synthesized, layers):
    assembly, _ = synthesized
    places = (*(ROOT / name for name in INPUTS if (ROOT / name).is_dir()), ROOT / "layers/core/python")
    assets = [path for path in assembly.glob("asset.*") if path.is_dir()]
    files = [file.relative_to(asset) for asset in assets for file in asset.rglob("*") if file.is_file()]

    strange = [
        name
        for name in files
        if not (is_input(ROOT / name) and (ROOT / name).is_file())
        and not any((place / name).is_file() for place in places)
        and not list(layers.glob(f"*/{name}"))
    ]

    assert files
    assert strange == []


def test_second_start_reuses_the_assembly_unless_a_setting_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_cloud, "ASSEMBLIES", tmp_path / "assemblies")
    monkeypatch.setattr(embedded_cloud, "_empty_layers", lambda: write_empty_layers(tmp_path / "layers"))
    monkeypatch.setattr(embedded_cloud, "_is_built", lambda *_: False)

    def written_ns(assembly):
        return (assembly / "manifest.json").stat().st_mtime_ns

    first = embedded_cloud.synthesize("demo", without_layers=True)
    before_ns = written_ns(first)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ALSO1")
    assert embedded_cloud.synthesize("demo", without_layers=True) == first
    assert written_ns(first) == before_ns
    second = embedded_cloud.synthesize("demo", without_layers=True, settings={"log_retention_days": 30})

    def retention(assembly):
        resources = json.loads((assembly / "alsolike-demo-serving.template.json").read_text())["Resources"]
        return {
            one["Properties"]["RetentionInDays"] for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup"
        }

    assert (retention(first), retention(second)) == ({7}, {30})
    digest = inputs_digest(environment=None, layers=tmp_path / "layers")
    assert first.name == digest[:24]
