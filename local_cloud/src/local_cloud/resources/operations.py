"""Resource types whose resources one operation creates."""

from typing import Final

from local_cloud.resources.resource_type import RESOURCE_TYPES, created_by

_ALARM_ARN: Final = "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}"

RESOURCE_TYPES |= {
    "AWS::ApiGatewayV2::Api": created_by(
        "apigatewayv2", "create_api", "{ApiId}", "ApiId", "ApiEndpoint",
        kept={"IpAddressType": "the embedded cloud listens on one address"},
    ),
    "AWS::ApiGatewayV2::Authorizer": created_by("apigatewayv2", "create_authorizer", "{AuthorizerId}", "AuthorizerId"),
    "AWS::ApiGatewayV2::Integration": created_by(
        "apigatewayv2", "create_integration", "{IntegrationId}", "IntegrationId"
    ),
    "AWS::ApiGatewayV2::Route": created_by("apigatewayv2", "create_route", "{RouteId}", "RouteId"),
    "AWS::ApiGatewayV2::Stage": created_by("apigatewayv2", "create_stage", "{StageName}"),
    "AWS::CloudWatch::Alarm": created_by(
        "cloudwatch", "put_metric_alarm", "{AlarmName}", name=("AlarmName", 255), Arn=_ALARM_ARN
    ),
    "AWS::CloudWatch::CompositeAlarm": created_by(
        "cloudwatch", "put_composite_alarm", "{AlarmName}", name=("AlarmName", 255), Arn=_ALARM_ARN
    ),
    "AWS::CloudWatch::Dashboard": created_by(
        "cloudwatch", "put_dashboard", "{DashboardName}", name=("DashboardName", 255)
    ),
    "AWS::CodeDeploy::Application": created_by(
        "codedeploy", "create_application", "{applicationName}", name=("applicationName", 100),
        defaults={"ComputePlatform": "Server"},
    ),
    "AWS::CodeDeploy::DeploymentGroup": created_by(
        "codedeploy", "create_deployment_group", "{deploymentGroupName}", name=("deploymentGroupName", 100)
    ),
    "AWS::Cognito::UserPoolDomain": created_by(
        "cognito-idp", "create_user_pool_domain", "{Domain}",
        CloudFrontDistribution="{CloudFrontDomain}",
        kept={"ManagedLoginVersion": "moto has no login pages"},
    ),
    "AWS::Cognito::UserPoolResourceServer": created_by("cognito-idp", "create_resource_server", "{Identifier}"),
    "AWS::Events::EventBus": created_by("events", "create_event_bus", "{Name}", "Name", Arn="{EventBusArn}"),
    "AWS::Glue::Job": created_by("glue", "create_job", "{Name}", name=("Name", 255)),
    "AWS::KMS::Alias": created_by("kms", "create_alias", "{AliasName}"),
    "AWS::Lambda::EventInvokeConfig": created_by(
        "lambda", "put_function_event_invoke_config", "{FunctionName}|{Qualifier}"
    ),
    "AWS::Lambda::LayerVersion": created_by(
        "lambda", "publish_layer_version", "{LayerVersionArn}", "LayerVersionArn", name=("LayerName", 140)
    ),
    "AWS::Lambda::Version": created_by(
        "lambda", "publish_version", "{FunctionArn}", "Version", "FunctionArn",
        kept={
            "CodeSha256": "the CDK does not set it; the hash of a zip made here would differ",
            "ProvisionedConcurrencyConfig": "moto provisions no concurrency",
            "RuntimePolicy": "functions run under the installed Python",
        },
    ),
    "AWS::Logs::LogStream": created_by("logs", "create_log_stream", "{logStreamName}", name=("logStreamName", 512)),
    "AWS::SSM::Parameter": created_by("ssm", "put_parameter", "{Name}", "Type", "Value", name=("Name", 1011)),
    "AWS::SageMaker::ModelPackageGroup": created_by(
        "sagemaker", "create_model_package_group", "{ModelPackageGroupArn}", "ModelPackageGroupArn",
        kept={"ModelPackageGroupPolicy": "moto cannot store it"},
    ),
    "AWS::Scheduler::Schedule": created_by(
        "scheduler", "create_schedule", "{Name}", name=("Name", 64), Arn="{ScheduleArn}"
    ),
    "AWS::Scheduler::ScheduleGroup": created_by(
        "scheduler", "create_schedule_group", "{Name}", name=("Name", 64), Arn="{ScheduleGroupArn}"
    ),
}  # fmt: skip
