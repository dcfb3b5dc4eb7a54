"""Web ACLs. They are not stored in moto, and requests to distributions on this machine pass no firewall."""

from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_web_acl(creation: Creation) -> Created:
    properties = creation.properties
    properties.keep("DefaultAction", "Description", "Rules", "Tags", "VisibilityConfig")
    scope = "global" if properties["Scope"] == "CLOUDFRONT" else "regional"
    name = creation.name("Name", limit=128)
    acl_id = creation.token()
    arn = creation.arn("wafv2", f"{scope}/webacl/{name}/{acl_id}")
    return Created(f"{name}|{acl_id}|{properties['Scope']}", {"Arn": arn, "Id": acl_id})


TYPES: Final = {"AWS::WAFv2::WebACL": ResourceType(_create_web_acl)}
