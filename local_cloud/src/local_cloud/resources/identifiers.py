"""Resources without an effect on one machine: networks, domain names, firewalls, audits and backups."""

from collections.abc import Callable, Mapping
from typing import Final

from local_cloud.resources.resource_type import Creation, ResourceType, identified


def _token(creation: Creation) -> str:
    return creation.token()


def _random(prefix: str, properties: str, *attributes: str) -> ResourceType:
    """Return a type of EC2. `attributes` contain the ID."""
    return identified(
        properties,
        lambda creation: f"{prefix}-{creation.token(17)}",
        lambda _, resource_id: dict.fromkeys(attributes, resource_id),
    )


def _property(name: str) -> Callable[[Creation], str]:
    return lambda creation: str(creation.properties[name])


def _name(property_name: str | None, limit: int) -> Callable[[Creation], str]:
    return lambda creation: creation.name(property_name, limit=limit)


def _zone(creation: Creation, subnet_id: str) -> Mapping[str, str]:
    zone = creation.properties.get("AvailabilityZone", f"{creation.region}a")
    return {"SubnetId": subnet_id, "AvailabilityZone": str(zone)}


def _web_acl(creation: Creation) -> str:
    return f"{creation.name('Name', limit=128)}|{creation.token()}|{creation.properties['Scope']}"


def _web_acl_attributes(creation: Creation, web_acl: str) -> Mapping[str, str]:
    name, acl_id, scope = web_acl.split("|")
    place = "global" if scope == "CLOUDFRONT" else "regional"
    return {"Arn": creation.arn("wafv2", f"{place}/webacl/{name}/{acl_id}"), "Id": acl_id}


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::ApiGateway::Account": identified("CloudWatchRoleArn", _name(None, 128)),
    # The gateway reads deployments and stages of REST APIs from the template.
    "AWS::ApiGateway::Deployment": identified(
        "Description RestApiId", _name(None, 128), lambda _, name: {"DeploymentId": name}
    ),
    "AWS::ApiGateway::Stage": identified(
        "AccessLogSetting DeploymentId MethodSettings RestApiId Tags Variables", _property("StageName")
    ),
    # Clients use ports here, and no names.
    "AWS::ApiGatewayV2::ApiMapping": identified(
        "ApiId ApiMappingKey DomainName Stage",
        lambda creation: creation.token(6),
        lambda _, mapping_id: {"ApiMappingId": mapping_id},
    ),
    "AWS::ApiGatewayV2::DomainName": identified(
        "DomainNameConfigurations Tags",
        _property("DomainName"),
        lambda creation, _: {
            "RegionalDomainName": f"d-{creation.token(10)}.execute-api.{creation.region}.amazonaws.com"
        },
    ),
    "AWS::Backup::BackupPlan": identified(
        "BackupPlan BackupPlanTags",
        _name(None, 50),
        lambda creation, name: {
            "BackupPlanId": name,
            "BackupPlanArn": creation.arn("backup", f"backup-plan:{name}"),
            "VersionId": "1",
        },
    ),
    "AWS::Backup::BackupSelection": identified(
        "BackupPlanId BackupSelection", _name(None, 50), lambda _, name: {"Id": name, "SelectionId": name}
    ),
    "AWS::Backup::BackupVault": identified(
        "AccessPolicy BackupVaultTags EncryptionKeyArn LockConfiguration Notifications",
        _name("BackupVaultName", 50),
        lambda creation, name: {
            "BackupVaultName": name,
            "BackupVaultArn": creation.arn("backup", f"backup-vault:{name}"),
        },
    ),
    "AWS::CertificateManager::Certificate": identified(
        "DomainName DomainValidationOptions Tags ValidationMethod",
        lambda creation: creation.arn("acm", f"certificate/{creation.token()}"),
    ),
    "AWS::CloudTrail::Trail": identified(
        "AdvancedEventSelectors EnableLogFileValidation IsLogging S3BucketName Tags",
        _name("TrailName", 128),
        lambda creation, name: {"Arn": creation.arn("cloudtrail", f"trail/{name}")},
    ),
    # All clients can read buckets here.
    "AWS::CloudFront::OriginAccessControl": identified(
        "OriginAccessControlConfig",
        lambda creation: creation.token(13),
        lambda _, control_id: {"Id": control_id},
    ),
    # Functions and jobs run outside of networks here.
    "AWS::EC2::RouteTable": _random("rtb", "Tags VpcId", "RouteTableId"),
    "AWS::EC2::SecurityGroup": _random(
        "sg", "GroupDescription SecurityGroupEgress SecurityGroupIngress Tags VpcId", "GroupId", "Id"
    ),
    "AWS::EC2::SecurityGroupEgress": _random(
        "sgr", "Description DestinationSecurityGroupId FromPort GroupId IpProtocol ToPort"
    ),
    "AWS::EC2::SecurityGroupIngress": _random(
        "sgr", "Description FromPort GroupId IpProtocol SourceSecurityGroupId ToPort"
    ),
    "AWS::EC2::Subnet": identified(
        "CidrBlock MapPublicIpOnLaunch Tags VpcId", lambda creation: f"subnet-{creation.token(17)}", _zone
    ),
    "AWS::EC2::SubnetRouteTableAssociation": _random("rtbassoc", "RouteTableId SubnetId", "Id"),
    "AWS::EC2::VPC": _random("vpc", "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Tags", "VpcId"),
    "AWS::EC2::VPCEndpoint": _random(
        "vpce",
        "PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds Tags VpcEndpointType VpcId",
        "Id",
    ),
    "AWS::Route53::HealthCheck": identified(
        "HealthCheckConfig HealthCheckTags", _token, lambda _, check_id: {"HealthCheckId": check_id}
    ),
    "AWS::Route53::RecordSet": identified(
        "Failover HealthCheckId HostedZoneId ResourceRecords SetIdentifier TTL Type", _property("Name")
    ),
    "AWS::WAFv2::WebACL": identified(
        "DefaultAction Description Rules Tags VisibilityConfig", _web_acl, _web_acl_attributes
    ),
}
