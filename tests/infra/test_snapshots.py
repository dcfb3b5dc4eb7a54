"""Values of the templates of four environments. A changed value appears as a difference of its snapshot.

``UPDATE_SNAPSHOTS=1 make test ARGS=tests/infra/test_snapshots.py`` writes the snapshots again.
"""

import os

import pytest

from tests.infra import snapshot
from tests.infra.assembly import Assembly


@pytest.mark.parametrize("environment", ["demo", "prod", "spare", "other"])
def test_templates_have_the_values_of_their_snapshot(environment, request):
    assembly: Assembly = request.getfixturevalue(environment)
    lines = snapshot.facts(assembly)
    if environment != snapshot.BASE:
        lines = snapshot.differences(snapshot.facts(request.getfixturevalue(snapshot.BASE)), lines)
    if "UPDATE_SNAPSHOTS" in os.environ:
        (snapshot.FOLDER / f"{environment}.txt").write_text("\n".join(lines) + "\n")

    changed = snapshot.differences(snapshot.read(environment), lines)

    assert not changed, "\n".join([*changed, "If this is intended, run this test with UPDATE_SNAPSHOTS=1."])
