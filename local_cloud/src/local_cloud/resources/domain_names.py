"""Certificates, domains of APIs, DNS records and health checks. They have no effect, because clients use ports here."""

from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_certificate(creation: Creation) -> Created:
    creation.properties.keep("DomainName", "DomainValidationOptions", "Tags", "ValidationMethod")
    return Created(creation.arn("acm", f"certificate/{creation.token()}"))


def _create_domain(creation: Creation) -> Created:
    creation.properties.keep("DomainNameConfigurations", "Tags")
    regional = f"d-{creation.token(10)}.execute-api.{creation.region}.amazonaws.com"
    return Created(str(creation.properties["DomainName"]), {"RegionalDomainName": regional})


def _create_mapping(creation: Creation) -> Created:
    creation.properties.keep("ApiId", "ApiMappingKey", "DomainName", "Stage")
    mapping_id = creation.token(6)
    return Created(mapping_id, {"ApiMappingId": mapping_id})


def _create_record(creation: Creation) -> Created:
    creation.properties.keep(
        "Failover", "HealthCheckId", "HostedZoneId", "ResourceRecords", "SetIdentifier", "TTL", "Type"
    )
    return Created(str(creation.properties["Name"]))


def _create_health_check(creation: Creation) -> Created:
    creation.properties.keep("HealthCheckConfig", "HealthCheckTags")
    check_id = creation.token()
    return Created(check_id, {"HealthCheckId": check_id})


TYPES: Final = {
    "AWS::ApiGatewayV2::ApiMapping": ResourceType(_create_mapping),
    "AWS::ApiGatewayV2::DomainName": ResourceType(_create_domain),
    "AWS::CertificateManager::Certificate": ResourceType(_create_certificate),
    "AWS::Route53::HealthCheck": ResourceType(_create_health_check),
    "AWS::Route53::RecordSet": ResourceType(_create_record),
}
