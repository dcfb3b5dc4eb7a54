import pytest

from local_cloud.deployer import DeploymentError
from moto_cloud import MotoCloud

ACL = "AWS::WAFv2::WebACL"
DATA = {"Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "Rules": [], "VisibilityConfig": {}}


def test_web_acl_has_the_arn_of_its_scope(cloud: MotoCloud) -> None:
    acl, regional = cloud.create(ACL, **DATA), cloud.create(ACL, **{**DATA, "Scope": "REGIONAL"})

    assert ":global/webacl/" in acl.attributes["Arn"]
    assert acl.attributes["Arn"].endswith(f"/{acl.attributes['Id']}")
    assert ":regional/webacl/" in regional.attributes["Arn"]


def test_unknown_property_of_a_web_acl_is_refused(cloud: MotoCloud) -> None:
    with pytest.raises(DeploymentError, match="Colour"):
        cloud.create(ACL, **DATA, Colour="red")
