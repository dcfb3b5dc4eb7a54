from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra.assembly import Assembly, synthesize, write_empty_layers
from tests.infra.other_settings import BASE, ENVIRONMENT
from tests.slow.deploy.ministack_cloud import Cloud, running

Synthesis = Callable[[Mapping[str, Any]], Assembly]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Yield a bootstrapped account."""
    with running(tmp_path_factory.mktemp("ministack")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_empty_layers(tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="session")
def synthesized(layers: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """Return a function that synthesizes an environment with the given settings."""

    def make(settings: Mapping[str, Any]) -> Assembly:
        return synthesize(ENVIRONMENT, layers=layers, outdir=tmp_path_factory.mktemp("assembly"), settings=settings)

    return make


@pytest.fixture(scope="session")
def base(synthesized: Synthesis) -> Assembly:
    return synthesized(BASE)


@pytest.fixture
def deployed(cloud: Cloud, base: Assembly) -> Assembly:
    """Deploy the base if nothing is deployed, and return it."""
    if not cloud.stacks():
        cloud.deploy(base.directory)
    return base
