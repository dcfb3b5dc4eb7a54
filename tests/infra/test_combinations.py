"""Combinations of properties that AWS rejects only during deployment, although the CDK accepts them."""

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_wafv2 as wafv2

from tests.infra.assembly import Assembly, texts


def refused(assembly):
    snapped = {
        (function.stack, function.logical_id)
        for function in assembly.of_type("AWS::Lambda::Function")
        if "SnapStart" in function.properties
    }
    provisioned = {
        (alias.stack, alias.properties["FunctionName"]["Ref"])
        for alias in assembly.of_type("AWS::Lambda::Alias")
        if "ProvisionedConcurrencyConfig" in alias.properties
    }
    return [
        *(f"{name}: SnapStart with provisioned concurrency" for _, name in sorted(snapped & provisioned)),
        *(
            f"{mapping.logical_id}: tumbling window with parallel batches of a shard"
            for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping")
            if mapping.properties.get("TumblingWindowInSeconds")
            and mapping.properties.get("ParallelizationFactor", 1) > 1
        ),
        *(
            f"{association.logical_id}: firewall on an HTTP API"
            for association in assembly.of_type("AWS::WAFv2::WebACLAssociation")
            if any("/apis/" in text for text in texts(association.properties["ResourceArn"]))
        ),
    ]


def test_deployed_combinations_are_all_accepted(assembly):
    assert refused(assembly) == []


def test_cdk_accepts_combinations_that_aws_refuses(tmp_path):
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    stack = cdk.Stack(app, "careless")
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS,
    )
    alias = lambda_.Alias(
        stack, "Live", alias_name="live", version=function.current_version, provisioned_concurrent_executions=2
    )
    alias.add_event_source(
        sources.KinesisEventSource(
            kinesis.Stream(stack, "Stream"),
            starting_position=lambda_.StartingPosition.LATEST,
            parallelization_factor=2,
            tumbling_window=cdk.Duration.seconds(60),
        )
    )
    api = apigw.HttpApi(stack, "Api")
    wafv2.CfnWebACLAssociation(
        stack,
        "Firewall",
        resource_arn=f"arn:aws:apigateway:{stack.region}::/apis/{api.api_id}/stages/$default",
        web_acl_arn="arn:aws:wafv2:us-east-1:123456789012:regional/webacl/shop/1",
    )

    app.synth()

    found = [finding.partition(": ")[2] for finding in refused(Assembly.read(tmp_path))]
    assert found == [
        "SnapStart with provisioned concurrency",
        "tumbling window with parallel batches of a shard",
        "firewall on an HTTP API",
    ]
