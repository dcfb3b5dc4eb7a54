"""Bundles with valid checksums and invalid or too large contents. Routes fall back and report the degradation."""

import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from alsolike.bundle.bundle import write_manifest
from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE, MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.runtime.memory import limit_memory
from tests.builders.bundles import filling_memory

ROUTES: list[tuple[str, dict[str, str] | None]] = [
    ("GET /users/{userId}/recommendations", {"userId": "anna"}),
    ("GET /items/{itemId}/similar", {"itemId": "pear"}),
    ("GET /trending", None),
    ("GET /popular", None),
]

Damage = Callable[[Path], None]


def array(name, *values, dtype="int32"):
    return lambda folder: np.save(folder / name, np.array(values, dtype))


def content(name, data):
    def damage(folder):
        (folder / name).write_bytes(data)

    return damage


def header_of_many_elements(folder):
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    (folder / "popular.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8))


def publish(shop, version, damage, /, **stated):
    """Publish a damaged bundle with matching checksums, and with the fields `stated` in its manifest."""

    def change(folder):
        manifest = Manifest.from_json((folder / MANIFEST_FILE).read_bytes())
        damage(folder)
        write_manifest(folder, manifest)
        document = orjson.loads((folder / MANIFEST_FILE).read_bytes())
        (folder / MANIFEST_FILE).write_bytes(orjson.dumps({**document, **stated}))

    shop.serve(version, damage=change)


def allocating(size_bytes):
    """Return a function that changes both graphs of a bundle to allocate `size_bytes` in each run."""

    def damage(folder):
        for name in (GRAPH_FILE, BIAS_GRAPH_FILE):
            (folder / name).write_bytes(filling_memory((folder / name).read_bytes(), size_bytes=size_bytes))

    return damage


@pytest.fixture
def limited_memory():
    """Limit the memory of this process to 500 MB above its current size, until the end of the test."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    (used_kb,) = re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    limit_memory({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(int(used_kb) // 1024 + 500)})
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


REFUSED: list[tuple[Damage, dict[str, Any]]] = [
    (header_of_many_elements, {}),
    (array("ids.off.npy", 0, 0, 4, 8, 11, 99, dtype="int64"), {}),
    (content("ids.blob", b"\xff" * 15), {}),
    (content("meta.blob", b"{"), {}),
    (content("graph.tables.json", b'{"table": {"dtype": "<f4", "shape": [1, 1], "offset": 0}}'), {}),
    (lambda folder: None, {"version": "v7"}),
    (lambda folder: None, {"items": 10**12}),
    (lambda folder: None, {"history": {"length": 3, "half_life_days": 1, "event_weights": {"view": 1e999}}}),
]


def check_routes(shop, degraded, version):
    shop.remember("u#anna", "pear")
    for route, path in ROUTES:
        answer = shop.get(route, path=path)

        assert answer["statusCode"] == 200, (route, answer["body"])
        assert degraded in answer["headers"]["x-alsolike-degraded"]
        assert answer["headers"]["x-alsolike-model-version"] == version


@pytest.mark.parametrize(("damage", "stated"), REFUSED)
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_invalid_bundle_falls_back_on_every_route(shop, damage, stated, first):
    if not first:
        shop.publish("v1")
    publish(shop, "v2", damage, **stated)

    check_routes(shop, *(("no-model", "none") if first else ("stale-model", "v1")))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory")
@pytest.mark.usefixtures("limited_memory")
def test_graph_that_needs_too_much_memory_keeps_the_previous_champion(shop):
    shop.publish("v1")
    publish(shop, "v2", allocating(3_000_000_000))

    check_routes(shop, "stale-model", "v1")
