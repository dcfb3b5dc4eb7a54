"""CloudFormation's linter on the templates of both regions."""

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from alsolike.declarations.parameters import REPLICA
from tests.infra.assembly import synthesize
from tests.infra.other_settings import TWO_REGIONS

PRIMARY_REGION, REPLICA_REGION = TWO_REGIONS["region"], TWO_REGIONS["replica_region"]


@pytest.fixture(scope="module")
def double(layers, tmp_path_factory):
    return synthesize("double", layers=layers, outdir=tmp_path_factory.mktemp("double"), settings=TWO_REGIONS)


@pytest.mark.parametrize("region", [PRIMARY_REGION, REPLICA_REGION])
def test_cloudformation_accepts_the_templates_of_both_regions(double, region):
    # W3005: the CDK writes dependencies that a reference also states.
    args = ManualArgs(regions=[region], ignore_checks=["W3005"])

    found = [
        f"{path.name}: {match.rule.id} {match.message}"
        for path in sorted(double.directory.glob("*.template.json"))
        if path.name.startswith(REPLICA) is (region == REPLICA_REGION)
        for match in lint_file(path, config=args)
    ]

    assert found == []
