"""Resources without an effect on one machine: networks, domain names, firewalls, audits and backups."""

from local_cloud.resources.resource_type import RESOURCE_TYPES, Created, Creation, creates, identified

RESOURCE_TYPES |= {
    "AWS::ApiGateway::Account": identified("CloudWatchRoleArn", "{name}"),
    # The gateway reads deployments and stages of REST APIs from the template.
    "AWS::ApiGateway::Deployment": identified("Description RestApiId", "{name}", DeploymentId="{ref}"),
    "AWS::ApiGateway::Stage": identified(
        "AccessLogSetting DeploymentId MethodSettings RestApiId StageName Tags Variables", "{StageName}"
    ),
    # Clients use ports here, and no names.
    "AWS::ApiGatewayV2::ApiMapping": identified(
        "ApiId ApiMappingKey DomainName Stage", "{token:.6}", ApiMappingId="{ref}"
    ),
    "AWS::ApiGatewayV2::DomainName": identified(
        "DomainName DomainNameConfigurations Tags",
        "{DomainName}",
        RegionalDomainName="d-{token:.10}.execute-api.{region}.amazonaws.com",
    ),
    "AWS::Backup::BackupPlan": identified(
        "BackupPlan BackupPlanTags",
        "{name}",
        limit=50,
        BackupPlanId="{ref}",
        BackupPlanArn="arn:aws:backup:{region}:{account}:backup-plan:{ref}",
        VersionId="1",
    ),
    "AWS::Backup::BackupSelection": identified(
        "BackupPlanId BackupSelection", "{name}", limit=50, Id="{ref}", SelectionId="{ref}"
    ),
    "AWS::Backup::BackupVault": identified(
        "AccessPolicy BackupVaultTags EncryptionKeyArn LockConfiguration Notifications",
        "{name}",
        name="BackupVaultName",
        limit=50,
        BackupVaultName="{ref}",
        BackupVaultArn="arn:aws:backup:{region}:{account}:backup-vault:{ref}",
    ),
    "AWS::CertificateManager::Certificate": identified(
        "DomainName DomainValidationOptions Tags ValidationMethod", "arn:aws:acm:{region}:{account}:certificate/{token}"
    ),
    "AWS::CloudTrail::Trail": identified(
        "AdvancedEventSelectors EnableLogFileValidation IsLogging S3BucketName Tags",
        "{name}",
        name="TrailName",
        Arn="arn:aws:cloudtrail:{region}:{account}:trail/{ref}",
    ),
    # All clients can read buckets here.
    "AWS::CloudFront::OriginAccessControl": identified("OriginAccessControlConfig", "{token:.13}", Id="{ref}"),
    # Functions and jobs run outside of networks here.
    "AWS::EC2::RouteTable": identified("Tags VpcId", "rtb-{token:.17}", RouteTableId="{ref}"),
    "AWS::EC2::SecurityGroup": identified(
        "GroupDescription SecurityGroupEgress SecurityGroupIngress Tags VpcId",
        "sg-{token:.17}",
        GroupId="{ref}",
        Id="{ref}",
    ),
    "AWS::EC2::SecurityGroupEgress": identified(
        "Description DestinationSecurityGroupId FromPort GroupId IpProtocol ToPort", "sgr-{token:.17}"
    ),
    "AWS::EC2::SecurityGroupIngress": identified(
        "Description FromPort GroupId IpProtocol SourceSecurityGroupId ToPort", "sgr-{token:.17}"
    ),
    "AWS::EC2::SubnetRouteTableAssociation": identified("RouteTableId SubnetId", "rtbassoc-{token:.17}", Id="{ref}"),
    "AWS::EC2::VPC": identified(
        "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Tags", "vpc-{token:.17}", VpcId="{ref}"
    ),
    "AWS::EC2::VPCEndpoint": identified(
        "PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds Tags VpcEndpointType VpcId",
        "vpce-{token:.17}",
        Id="{ref}",
    ),
    "AWS::Route53::HealthCheck": identified("HealthCheckConfig HealthCheckTags", "{token}", HealthCheckId="{ref}"),
    "AWS::Route53::RecordSet": identified(
        "Failover HealthCheckId HostedZoneId Name ResourceRecords SetIdentifier TTL Type", "{Name}"
    ),
}


@creates("AWS::EC2::Subnet")
def _create_subnet(creation: Creation) -> Created:
    creation.properties.keep("CidrBlock", "MapPublicIpOnLaunch", "Tags", "VpcId")
    subnet_id = f"subnet-{creation.token(17)}"
    zone = creation.properties.get("AvailabilityZone", f"{creation.region}a")
    return Created(subnet_id, {"SubnetId": subnet_id, "AvailabilityZone": str(zone)})


@creates("AWS::WAFv2::WebACL")
def _create_web_acl(creation: Creation) -> Created:
    creation.properties.keep("DefaultAction", "Description", "Rules", "Tags", "VisibilityConfig")
    name, acl_id, scope = creation.name("Name", limit=128), creation.token(), creation.properties["Scope"]
    place = "global" if scope == "CLOUDFRONT" else "regional"
    arn = creation.arn("wafv2", f"{place}/webacl/{name}/{acl_id}")
    return Created(f"{name}|{acl_id}|{scope}", {"Arn": arn, "Id": acl_id})
