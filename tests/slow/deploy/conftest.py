from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.infra.assembly import Assembly, synthesize, write_empty_layers
from tests.infra.other_settings import BASE, ENVIRONMENT
from tests.slow.deploy.ministack_cloud import running

Synthesis = Callable[[Mapping[str, Any]], Assembly]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    with running(tmp_path_factory.mktemp("ministack")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def layers(tmp_path_factory):
    return write_empty_layers(tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="session")
def synthesized(layers, tmp_path_factory):
    def make(settings):
        return synthesize(ENVIRONMENT, layers=layers, outdir=tmp_path_factory.mktemp("assembly"), settings=settings)

    return make


@pytest.fixture(scope="session")
def base(synthesized):
    return synthesized(BASE)


@pytest.fixture
def deployed(cloud, base):
    if not cloud.stacks():
        cloud.deploy(base.directory)
    return base
