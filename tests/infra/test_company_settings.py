"""The settings for companies add nothing to the templates while they are off.

If a setting added a resource to the default environment, the snapshots of `test_snapshots.py` would show it.
"""

import re

OF_COMPANIES = {
    "Backup::BackupPlan", "Backup::BackupSelection", "Backup::BackupVault", "CloudTrail::Trail", "EC2::RouteTable",
    "EC2::SecurityGroup", "EC2::SecurityGroupEgress", "EC2::SecurityGroupIngress", "EC2::Subnet",
    "EC2::SubnetRouteTableAssociation", "EC2::VPC", "EC2::VPCEndpoint", "Glue::Connection", "WAFv2::WebACL",
}  # fmt: skip
OF_A_NAME = {
    "ApiGatewayV2::ApiMapping", "ApiGatewayV2::DomainName", "CertificateManager::Certificate",
    "Route53::HealthCheck", "Route53::RecordSet",
}  # fmt: skip


def places(assembly):
    """Return the resources of the primary region as "stack/logical ID", without hashes and the environment's name."""
    return {
        f"{each.stack.rpartition('-')[2]}/{_plain(each.logical_id, each.stack.split('-')[1])}"
        for each in assembly.resources
        if each.stack.startswith("alsolike-")
    }


def _plain(logical_id, environment):
    without_versions = re.sub(r"(?<=CurrentVersion)\w+", "", logical_id.replace(f"alsolike{environment}", ""))
    return re.sub(r"[0-9A-F]{8}", "", without_versions)


def kinds(assembly):
    return {each.type.removeprefix("AWS::") for each in assembly.resources}


def test_resource_types_of_companies_are_only_with_their_settings(single, protected, double):
    assert kinds(protected) - kinds(single) == OF_COMPANIES
    assert kinds(double) - kinds(single) == OF_A_NAME


def test_settings_add_resources_and_remove_none(single, protected, double):
    own_stacks = ("audit/", "network/")
    added = {place for place in places(protected) - places(single) if not place.startswith(own_stacks)}
    # The key for all data replaces that of Spark's logs.
    replaced = {"training/SparkEncryption", "training/SparkKey"}
    assert places(single) - places(protected) == replaced
    assert added == {
        "data/Encryption", "data/Parameterskmskeyarn", "pages/WebsiteFirewall", "training/SparkEncryption7980d07a",
        "training/SparkNetwork",
    }  # fmt: skip
    assert places(single) - places(double) == replaced
    added = {place for place in places(double) - places(single) if not re.match("serving/(Health|Name)", place)}
    assert added == {
        "data/Encryption", "data/Parameterskmskeyarn", "training/SparkEncryption7980d07a",
        "data/ArtefactBucketReplicationPolicy", "data/ArtefactBucketReplicationRole",
        "data/LakeBucketReplicationPolicy", "data/LakeBucketReplicationRole", "data/Parametersotherregion",
        "privacy/ErasureForwarded",
        "privacy/ErasureForwardedAllowEventRuleprivacyEraseUserLive", "privacy/Forwarding",
        "serving/Parametersapidomain",
    }  # fmt: skip
