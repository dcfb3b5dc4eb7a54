from moto_cloud import MotoCloud

RECORD = {
    "Failover": "PRIMARY",
    "HostedZoneId": "Z1",
    "Name": "api.shop.example",
    "ResourceRecords": ["d-1.execute-api.us-east-1.amazonaws.com"],
    "SetIdentifier": "primary",
    "TTL": "10",
    "Type": "CNAME",
}


def test_domain_of_an_api_has_a_name_of_the_region(cloud: MotoCloud) -> None:
    certificate = cloud.create("AWS::CertificateManager::Certificate", DomainName="api.shop.example")
    domain = cloud.create(
        "AWS::ApiGatewayV2::DomainName",
        DomainName="api.shop.example",
        DomainNameConfigurations=[{"CertificateArn": certificate.physical_id}],
    )

    assert ":acm:" in certificate.physical_id
    assert domain.physical_id == "api.shop.example"
    assert domain.attributes["RegionalDomainName"].endswith(".execute-api.eu-west-1.amazonaws.com")


def test_record_and_health_check_have_their_ids(cloud: MotoCloud) -> None:
    check = cloud.create("AWS::Route53::HealthCheck", HealthCheckConfig={"Type": "HTTPS"})
    record = cloud.create("AWS::Route53::RecordSet", **RECORD, HealthCheckId=check.physical_id)

    assert record.physical_id == "api.shop.example"
    assert check.attributes["HealthCheckId"] == check.physical_id
