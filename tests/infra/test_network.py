"""The setting `vpc`: private subnets, endpoints, and permissions of functions and jobs to attach themselves."""

import json

import pytest

from infra_cdk.constructs.network import ENDPOINTS
from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings
from operations import cost
from tests.infra.assembly import Assembly, flat, listed, statements
from tests.infra.conftest import Synthesis

EXISTING = {
    "vpc": "vpc-0a1b",
    "vpc_subnet_ids": ["subnet-0a1b", "subnet-0c2d"],
    "vpc_availability_zone": "us-east-1a",
    "training_network": False,
}


@pytest.fixture(scope="session")
def existing(synthesized: Synthesis) -> Assembly:
    return synthesized("existing", region="us-east-1", **EXISTING)


def test_network_has_no_way_to_the_internet(protected):
    kinds = {each.type for each in in_stack_of_network(protected)}

    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Route"}
    subnets = protected.of_type("AWS::EC2::Subnet")
    assert len(subnets) == 2
    assert not any(subnet.properties["MapPublicIpOnLaunch"] for subnet in subnets)


def in_stack_of_network(assembly: Assembly):
    return [each for each in assembly.resources if each.stack.endswith("-network")]


def test_every_function_runs_in_the_private_subnets(protected, existing):
    for assembly in (protected, existing):
        configs = [f.properties["VpcConfig"] for f in assembly.of_type("AWS::Lambda::Function")]

        assert {len(config["SubnetIds"]) for config in configs} == {2}
        assert {len(config["SecurityGroupIds"]) for config in configs} == {1}
    assert configs[0]["SubnetIds"] == EXISTING["vpc_subnet_ids"]


def interfaces(assembly: Assembly) -> set[str]:
    return {
        each.properties["ServiceName"].removeprefix("com.amazonaws.us-east-1.")
        for each in assembly.of_type("AWS::EC2::VPCEndpoint")
        if each.properties["VpcEndpointType"] == "Interface"
    }


def test_network_has_exactly_the_endpoints_of_granted_services(protected):
    used = {
        action.partition(":")[0]
        for role in protected.of_type("AWS::IAM::Role")
        if {"lambda.amazonaws.com", "glue.amazonaws.com"} & set(str(role.properties).split("'"))
        for statement in statements(role)
        for action in listed(statement["Action"])
    }

    assert interfaces(protected) == {name for prefix in used if (name := ENDPOINTS[prefix])}
    gateways = [e for e in protected.of_type("AWS::EC2::VPCEndpoint") if e.properties["VpcEndpointType"] == "Gateway"]
    assert sorted(flat(each.properties["ServiceName"]).rpartition(".")[2] for each in gateways) == ["dynamodb", "s3"]


def test_owner_of_an_existing_network_adds_the_endpoints(existing):
    assert existing.of_type("AWS::EC2::VPCEndpoint") == []
    assert existing.only("AWS::EC2::SecurityGroup").properties["VpcId"] == "vpc-0a1b"


def test_members_of_the_group_reach_each_other_and_https(protected):
    group = protected.only("AWS::EC2::SecurityGroup")
    (out,) = group.properties["SecurityGroupEgress"]

    assert (out["FromPort"], out["ToPort"], out["CidrIp"]) == (443, 443, "0.0.0.0/0")
    assert "SecurityGroupIngress" not in group.properties
    assert protected.only("AWS::EC2::SecurityGroupIngress").properties["SourceSecurityGroupId"] == {
        "Fn::GetAtt": [group.logical_id, "GroupId"]
    }


def test_training_job_and_glue_run_in_the_network(existing):
    machine = json.loads(flat(existing.state_machine("training").properties["DefinitionString"]))
    request = machine["States"]["Train"]["Parameters"]
    connection = existing.only("AWS::Glue::Connection").properties["ConnectionInput"]

    assert request["VpcConfig"]["Subnets"] == EXISTING["vpc_subnet_ids"]
    assert connection["PhysicalConnectionRequirements"]["SubnetId"] == "subnet-0a1b"
    assert connection["PhysicalConnectionRequirements"]["AvailabilityZone"] == "us-east-1a"
    job = existing.only("AWS::Glue::Job").properties
    assert len(job["Connections"]["Connections"]) == 1
    assert job["DefaultArguments"]["--python-modules-installer-option"] == "--no-index"


def test_roles_of_functions_and_jobs_may_attach_interfaces(protected):
    services = {
        role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        for role in protected.of_type("AWS::IAM::Role")
        if any("ec2:CreateNetworkInterface" in listed(each["Action"]) for each in statements(role))
    }

    assert services == {"lambda.amazonaws.com", "sagemaker.amazonaws.com", "glue.amazonaws.com"}
    policies = [p["PolicyName"] for p in protected.role(protected.function("collect")).properties["Policies"]]
    assert policies == ["permissions", "network", "encryption"]


def test_bill_counts_an_interface_per_endpoint_and_subnet(protected, existing):
    assert cost.read_assembly(protected.directory).endpoints == 2 * len(interfaces(protected))
    assert cost.read_assembly(existing.directory).endpoints == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vpc": "mine", "training_network": False}, "vpc is 'mine', expected 'create', or an ID"),
        ({"vpc": "create"}, "training_network is True, expected false with vpc"),
        ({**EXISTING, "vpc_subnet_ids": []}, r"vpc_subnet_ids is \[\], expected IDs"),
        ({"vpc_subnet_ids": ["subnet-0a1b"]}, "vpc_subnet_ids is .* none without"),
        ({**EXISTING, "vpc_subnet_ids": ["a"]}, "vpc_subnet_ids is .* expected IDs"),
        ({**EXISTING, "vpc_availability_zone": None}, "vpc_availability_zone is None, expected the zone"),
        ({**EXISTING, "dataset_engine": "lambda"}, "vpc_availability_zone is 'us-east-1a', expected .* null"),
    ],
)
def test_network_that_could_not_be_deployed_is_refused(values, message):
    with pytest.raises(InvalidSettings, match=message):
        load_settings({"shop": {"region": "us-east-1", **values}}, "shop")
