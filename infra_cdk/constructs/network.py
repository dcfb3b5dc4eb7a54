"""Private network of functions and jobs: subnets without a route to the internet, and endpoints of AWS services."""

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import Permission, add_inline_policy, allowed_actions
from infra_cdk.settings import CREATE, Settings

ZONES = 2
ENDPOINTS: Mapping[str, str | None] = {
    "cloudformation": "cloudformation",
    "cloudwatch": "monitoring",
    "glue": "glue",
    "kinesis": "kinesis-streams",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "sagemaker": "sagemaker.api",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "ssm": "ssm",
    "states": "states",
    "xray": "xray",
    # Gateway endpoints, which are free.
    "dynamodb": None,
    "s3": None,
    # Glue and Lambda themselves make these calls, outside the network.
    "ec2": None,
    "kafka": None,
}
"""Interface endpoint of a service, by the prefix of its actions in IAM."""
_ATTACH = ("CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets")
FUNCTION_ACTIONS = tuple(f"ec2:{call}" for call in (*_ATTACH, "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"))
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""
TRAINING_ACTIONS = tuple(
    f"ec2:{call}"
    for call in (
        *_ATTACH,
        "CreateNetworkInterfacePermission",
        "DeleteNetworkInterfacePermission",
        "DescribeDhcpOptions",
        "DescribeSecurityGroups",
        "DescribeVpcs",
    )
)
"""https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"""
GLUE_ACTIONS = tuple(
    f"ec2:{call}"
    for call in (
        *_ATTACH,
        "DescribeRouteTables",
        "DescribeSecurityGroups",
        "DescribeVpcAttribute",
        "DescribeVpcEndpoints",
    )
)
"""https://docs.aws.amazon.com/glue/latest/dg/create-service-policy.html"""
_SERVICES = ("glue.amazonaws.com", "lambda.amazonaws.com")
_REASON = "AWS documents the access to network interfaces on * only"


class Network(Construct):
    """VPC of the setting `vpc`, or a new one, with a security group for functions and jobs.

    Members of the security group may reach each other and the endpoints. `zone` is the availability zone of the first
    subnet. `api_endpoint_id` is None with a public API.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._region = settings.region
        self._own = self._vpc() if settings.vpc == CREATE else None
        if self._own:
            vpc_id = self._own.vpc_id
            self.subnet_ids = [subnet.subnet_id for subnet in self._own.isolated_subnets]
            self.zone = self._own.isolated_subnets[0].availability_zone
        else:
            vpc_id = str(settings.vpc)
            self.subnet_ids = list(settings.vpc_subnet_ids)
            self.zone = settings.vpc_availability_zone or ""
        self.security_group_id = self._security_group(vpc_id, settings)
        self.api_endpoint_id = settings.vpc_api_endpoint_id
        if self._own and settings.private_api:
            self.api_endpoint_id = self._api_endpoint(self._own, settings)

    def _vpc(self) -> ec2.Vpc:
        vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=ZONES,
            nat_gateways=0,
            # The CDK would deploy a function to restrict the default security group, which nothing uses.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=22)
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        acknowledge(
            vpc,
            finding="AwsSolutions-VPC7",
            reason="The subnets have no route to the internet; a flow log costs by traffic and can be added",
        )
        return vpc

    def _security_group(self, vpc_id: str, settings: Settings) -> str:
        group = ec2.CfnSecurityGroup(
            self,
            "Group",
            group_description=f"Alsolike {settings.name}: functions, jobs and endpoints",
            vpc_id=vpc_id,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp", from_port=443, to_port=443, cidr_ip="0.0.0.0/0", description="AWS services"
                )
            ],
        )
        for kind, construct_id in ((ec2.CfnSecurityGroupIngress, "In"), (ec2.CfnSecurityGroupEgress, "Out")):
            group_key = "source_security_group_id" if construct_id == "In" else "destination_security_group_id"
            # Workers of Spark connect to each other.
            kind(
                self,
                construct_id,
                group_id=group.attr_group_id,
                ip_protocol="tcp",
                from_port=0,
                to_port=65_535,
                **{group_key: group.attr_group_id},
            )
        group_id: str = group.attr_group_id
        return group_id

    def _api_endpoint(self, vpc: ec2.Vpc, settings: Settings) -> str:
        """Create the endpoint of API Gateway, which all hosts of the VPC reach.

        Private DNS names are off, because with them, the hosts could not reach public APIs in API Gateway.
        """
        group = ec2.CfnSecurityGroup(
            self,
            "ApiGroup",
            group_description=f"Alsolike {settings.name}: endpoint of the private API",
            vpc_id=vpc.vpc_id,
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    cidr_ip=ec2.Vpc.DEFAULT_CIDR_RANGE,
                    description="Callers",
                )
            ],
        )
        endpoint = ec2.CfnVPCEndpoint(
            self,
            "ApiEndpoint",
            service_name=f"com.amazonaws.{self._region}.execute-api",
            vpc_id=vpc.vpc_id,
            vpc_endpoint_type="Interface",
            private_dns_enabled=False,
            subnet_ids=self.subnet_ids,
            security_group_ids=[group.attr_group_id],
        )
        endpoint_id: str = endpoint.attr_id
        return endpoint_id

    def add_endpoints(self, actions: Iterable[str]) -> None:
        """Add the interface endpoints of the services with these actions, if the VPC is new."""
        if self._own is None:
            return
        prefixes = {action.partition(":")[0] for action in actions}
        for name in sorted({endpoint for prefix in prefixes if (endpoint := ENDPOINTS[prefix])}):
            ec2.CfnVPCEndpoint(
                self,
                "".join(part.title() for part in name.replace(".", "-").split("-")),
                service_name=f"com.amazonaws.{self._region}.{name}",
                vpc_id=self._own.vpc_id,
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=self.subnet_ids,
                security_group_ids=[self.security_group_id],
            )


def network_permission(actions: Iterable[str]) -> Permission:
    return Permission(actions=list(actions), resources=["*"], wildcard_reason=_REASON)


def join(app: cdk.App, network: Network) -> None:
    """Move all functions of an app into the network, and add the endpoints that functions and the Glue job use."""
    used: set[str] = set()
    for each in list(app.node.find_all()):
        match each:
            case lambda_.CfnFunction():
                each.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                    subnet_ids=network.subnet_ids, security_group_ids=[network.security_group_id]
                )
            case iam.CfnRole() if (service := _service(each)) in _SERVICES:
                used |= set(allowed_actions(each))
                if service == "lambda.amazonaws.com":
                    _permit_interfaces(each)
    network.add_endpoints(used)


def _service(role: iam.CfnRole) -> str:
    document = cdk.Stack.of(role).resolve(role.assume_role_policy_document)
    return str(document["Statement"][0]["Principal"].get("Service"))


def _permit_interfaces(role: iam.CfnRole) -> None:
    statement = {"Effect": "Allow", "Action": list(FUNCTION_ACTIONS), "Resource": "*"}
    add_inline_policy(role, "network", [statement])
    acknowledge(role, finding="AwsSolutions-IAM5[Resource::*]", reason=_REASON)
