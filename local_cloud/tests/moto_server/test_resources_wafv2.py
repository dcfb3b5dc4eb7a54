from moto_cloud import MotoCloud

ACL = "AWS::WAFv2::WebACL"
DATA = {"Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "Rules": [], "VisibilityConfig": {}}


def test_web_acl_has_the_arn_of_its_scope(cloud: MotoCloud) -> None:
    acl, regional = cloud.create(ACL, **DATA), cloud.create(ACL, **{**DATA, "Scope": "REGIONAL"})

    assert ":global/webacl/" in acl.attributes["Arn"]
    assert acl.attributes["Arn"].endswith(f"/{acl.attributes['Id']}")
    assert ":regional/webacl/" in regional.attributes["Arn"]
