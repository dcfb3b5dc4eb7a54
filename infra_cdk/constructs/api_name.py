"""DNS name of the API in two regions. A health check moves the name from the primary to the replica and back."""

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from constructs import Construct

from alsolike.declarations.routes import HEALTH_PATH
from infra_cdk.constructs.http_api import HttpApi
from infra_cdk.constructs.nag_suppressions import acknowledge

CHECK_S, FAILURES, TTL_S = 10, 3, 10
"""Interval of the checks in seconds, number of equal results in a row after which Route 53 moves the name, and caching
time of the name's target in seconds.
"""
_RATE_PER_S, _BURST = 20, 40
"""Limits of the health route. Route 53's health checkers together send fewer requests."""


class ApiName(Construct):
    """Custom domain of the API in one region, with its certificate and its failover record.

    The record is a CNAME, because Route 53 caches an alias for a minute. A CNAME cannot have the name of the zone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str,
        zone_id: str,
        api: HttpApi,
        role: Literal["PRIMARY", "SECONDARY"],
        health_check_id: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        certificate = acm.CfnCertificate(
            self,
            "Certificate",
            domain_name=domain,
            validation_method="DNS",
            domain_validation_options=[
                acm.CfnCertificate.DomainValidationOptionProperty(domain_name=domain, hosted_zone_id=zone_id)
            ],
        )
        name = apigw.CfnDomainName(
            self,
            "Domain",
            domain_name=domain,
            domain_name_configurations=[
                apigw.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=certificate.ref, endpoint_type="REGIONAL", security_policy="TLS_1_2"
                )
            ],
        )
        mapping = apigw.CfnApiMapping(self, "Mapping", api_id=api.api_id, domain_name=name.ref, stage="$default")
        mapping.node.add_dependency(api)
        record = route53.CfnRecordSet(
            self,
            "Record",
            hosted_zone_id=zone_id,
            name=domain,
            type="CNAME",
            ttl=str(TTL_S),
            resource_records=[name.attr_regional_domain_name],
            set_identifier=role.lower(),
            failover=role,
            health_check_id=health_check_id,
        )
        # The mapping comes first, because clients must find the API as soon as the name leads to this region.
        record.add_resource_dependency(mapping)


class HealthCheck(Construct):
    """Health check of a region, and a separate API with the requested route.

    Checks of the public API would appear in its metrics, alarms and logs, and count towards its limits.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: str, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        api = apigw.HttpApi(self, "Api", api_name=f"alsolike-{environment}-health", create_default_stage=False)
        stage = apigw.HttpStage(
            self,
            "Stage",
            http_api=api,
            auto_deploy=True,
            throttle=apigw.ThrottleSettings(rate_limit=_RATE_PER_S, burst_limit=_BURST),
        )
        acknowledge(stage, finding="AwsSolutions-APIG1", reason="The route serves no data, and checks repeat endlessly")
        (route,) = api.add_routes(
            path=HEALTH_PATH,
            methods=[apigw.HttpMethod.GET],
            integration=integrations.HttpLambdaIntegration(
                "Health",
                function,
                payload_format_version=apigw.PayloadFormatVersion.VERSION_2_0,
                scope_permission_to_route=False,
            ),
            authorizer=apigw.HttpNoneAuthorizer(),
        )
        acknowledge(
            route, finding="AwsSolutions-APIG4", reason="Health checkers send no credentials, and the answer is empty"
        )
        stack = cdk.Stack.of(self)
        check = route53.CfnHealthCheck(
            self,
            "Check",
            health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
                type="HTTPS",
                fully_qualified_domain_name=f"{api.api_id}.execute-api.{stack.region}.{stack.url_suffix}",
                resource_path=HEALTH_PATH,
                port=443,
                enable_sni=True,
                request_interval=CHECK_S,
                failure_threshold=FAILURES,
            ),
        )
        self.check_id = check.attr_health_check_id
