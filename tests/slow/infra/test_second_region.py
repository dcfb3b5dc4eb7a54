"""CloudFormation's linter on the templates of both regions."""

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from alsolike.declarations.parameters import REPLICA
from tests.infra.assembly import synthesize

PRIMARY_REGION, REPLICA_REGION = "eu-west-1", "eu-central-1"


@pytest.fixture(scope="module")
def double(layers, tmp_path_factory):
    settings = {"region": PRIMARY_REGION, "replica_region": REPLICA_REGION, "replica_streams": True}
    return synthesize("double", layers=layers, outdir=tmp_path_factory.mktemp("double"), settings=settings)


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
