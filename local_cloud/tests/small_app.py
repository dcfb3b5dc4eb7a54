"""Smallest CDK app that serves a request, with one function behind an HTTP API."""

import sys

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_

CODE = "def handler(event, context):\n    return f\"hello {event['queryStringParameters']['name']}\"\n"


def synthesize(directory: str) -> None:
    app = cdk.App(outdir=directory, analytics_reporting=False)
    stack = cdk.Stack(app, "greetings")
    function = lambda_.Function(
        stack,
        "Greet",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(CODE),
    )
    api = apigateway.HttpApi(stack, "Api", default_integration=integrations.HttpLambdaIntegration("Function", function))
    cdk.CfnOutput(stack, "Url", value=api.url or "")
    app.synth()


if __name__ == "__main__":
    synthesize(sys.argv[1])
