"""Network resources. Only their IDs are generated, because functions and jobs run outside of networks here."""

from collections.abc import Callable
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _kept(prefix: str, *properties: str, attributes: Callable[[Creation, str], dict[str, str]]) -> ResourceType:
    """Return a type whose properties have no effect, and whose resources have an ID with a prefix."""

    def create(creation: Creation) -> Created:
        creation.properties.keep(*properties)
        resource_id = f"{prefix}-{creation.token(17)}"
        return Created(resource_id, attributes(creation, resource_id))

    return ResourceType(create)


TYPES: Final = {
    "AWS::EC2::RouteTable": _kept(
        "rtb", "Tags", "VpcId", attributes=lambda _, resource_id: {"RouteTableId": resource_id}
    ),
    "AWS::EC2::SecurityGroup": _kept(
        "sg",
        "GroupDescription", "SecurityGroupEgress", "SecurityGroupIngress", "Tags", "VpcId",
        attributes=lambda _, resource_id: {"GroupId": resource_id, "Id": resource_id},
    ),
    "AWS::EC2::SecurityGroupEgress": _kept(
        "sgr",
        "Description", "DestinationSecurityGroupId", "FromPort", "GroupId", "IpProtocol", "ToPort",
        attributes=lambda _, __: {},
    ),
    "AWS::EC2::SecurityGroupIngress": _kept(
        "sgr",
        "Description", "FromPort", "GroupId", "IpProtocol", "SourceSecurityGroupId", "ToPort",
        attributes=lambda _, __: {},
    ),
    "AWS::EC2::Subnet": _kept(
        "subnet",
        "AvailabilityZone", "CidrBlock", "MapPublicIpOnLaunch", "Tags", "VpcId",
        attributes=lambda creation, resource_id: {
            "SubnetId": resource_id,
            "AvailabilityZone": str(creation.properties.get("AvailabilityZone", f"{creation.region}a")),
        },
    ),
    "AWS::EC2::SubnetRouteTableAssociation": _kept(
        "rtbassoc", "RouteTableId", "SubnetId", attributes=lambda _, resource_id: {"Id": resource_id}
    ),
    "AWS::EC2::VPC": _kept(
        "vpc",
        "CidrBlock", "EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags",
        attributes=lambda _, resource_id: {"VpcId": resource_id},
    ),
    "AWS::EC2::VPCEndpoint": _kept(
        "vpce",
        "PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds", "ServiceName", "SubnetIds", "Tags", "VpcEndpointType",
        "VpcId",
        attributes=lambda _, resource_id: {"Id": resource_id},
    ),
}  # fmt: skip
