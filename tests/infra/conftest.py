import json
from pathlib import Path
from typing import Any

import pytest

from infra_cdk.app import create_app, read_context
from tests.infra.assembly import Assembly, flat


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of layers with next to nothing in them: what is in layers is tested elsewhere."""
    directory = tmp_path_factory.mktemp("layers")
    for name in ("core", "onnx_runtime", "sentences"):
        for architecture in ("arm64", "x86_64"):
            python = directory / f"{name}-{architecture}" / "python"
            python.mkdir(parents=True)
            (python / f"{name}.py").write_text("")
    return directory


def synthesize(environment: str, *, layers: Path, outdir: Path) -> Assembly:
    create_app(read_context(), environment=environment, outdir=outdir, layers=layers, check_templates=False).synth()
    return Assembly.read(outdir)


@pytest.fixture(scope="session")
def demo(layers: Path, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesize("demo", layers=layers, outdir=tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def prod(layers: Path, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesize("prod", layers=layers, outdir=tmp_path_factory.mktemp("prod"))


@pytest.fixture(params=["demo", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    """Every environment that differs in more than numbers."""
    value: Assembly = request.getfixturevalue(request.param)
    return value


@pytest.fixture(scope="session")
def workflow(demo: Assembly) -> dict[str, dict[str, Any]]:
    """The training workflow's states by name."""
    machine = demo.state_machine("training")
    states: dict[str, dict[str, Any]] = json.loads(flat(machine.properties["DefinitionString"]))["States"]
    return states
