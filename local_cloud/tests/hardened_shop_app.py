"""CDK app with the constructs of a hardened shop. Its argument is the output directory."""

import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as stepfunctions
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct


class DataStack(cdk.Stack):
    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "data")
        hardened: dict[str, Any] = {
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "enforce_ssl": True,
            "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            "versioned": True,
        }
        access_logs = s3.Bucket(self, "AccessLogs", encryption=s3.BucketEncryption.S3_MANAGED, **hardened)
        self.lake = s3.Bucket(
            self,
            "Lake",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=kms.Key(self, "Key", enable_key_rotation=True, alias="shop/lake"),
            bucket_key_enabled=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix="lake/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                    noncurrent_version_expiration=cdk.Duration.days(30),
                )
            ],
            **hardened,
        )
        self.stream = kinesis.Stream(self, "Events", shard_count=1, encryption=kinesis.StreamEncryption.MANAGED)
        self.profiles = dynamodb.TableV2(
            self,
            "Profiles",
            partition_key=dynamodb.Attribute(name="profile_id", type=dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            deletion_protection=True,
        )


class ServingStack(cdk.Stack):
    def __init__(self, scope: Construct, *, data: DataStack, code: str) -> None:
        super().__init__(scope, "serving")
        function = lambda_.Function(
            self,
            "Collect",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_asset(code),
            layers=[
                lambda_.LayerVersion.from_layer_version_arn(
                    self,
                    "Pandas",
                    f"arn:aws:lambda:{self.region}:336392948345:layer:AWSSDKPandas-Python313-Arm64:1",
                )
            ],
            environment={"TABLE": data.profiles.table_name},
            tracing=lambda_.Tracing.ACTIVE,
            logging_format=lambda_.LoggingFormat.JSON,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS,
            log_group=logs.LogGroup(self, "CollectLog", retention=logs.RetentionDays.ONE_WEEK),
            dead_letter_queue_enabled=True,
            retry_attempts=1,
        )
        data.profiles.grant_read_write_data(function)
        live = lambda_.Alias(self, "Live", alias_name="live", version=function.current_version)
        function.add_event_source(
            sources.KinesisEventSource(
                data.stream,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                bisect_batch_on_error=True,
                report_batch_item_failures=True,
                retry_attempts=3,
                on_failure=sources.S3OnFailureDestination(data.lake),
            )
        )
        self._api(live)
        self._workflow(function)

    def _api(self, live: lambda_.Alias) -> None:
        pool = cognito.UserPool(
            self,
            "Pool",
            feature_plan=cognito.FeaturePlan.PLUS,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
            password_policy=cognito.PasswordPolicy(min_length=12, require_symbols=True),
        )
        scope = cognito.ResourceServerScope(scope_name="events.write", scope_description="Send events")
        server = pool.add_resource_server("Server", identifier="shop", scopes=[scope])
        client = pool.add_client(
            "Client",
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.resource_server(server, scope)],
            ),
        )
        pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix="shop"))
        api = apigateway.HttpApi(self, "Api", create_default_stage=False)
        api.add_routes(
            path="/events",
            methods=[apigateway.HttpMethod.POST],
            integration=integrations.HttpLambdaIntegration("Events", live),
            authorizer=authorizers.HttpUserPoolAuthorizer("Tokens", pool, user_pool_clients=[client]),
            authorization_scopes=["shop/events.write"],
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=api,
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=50, burst_limit=100),
        )
        access_log = logs.LogGroup(self, "AccessLog")
        cfn_stage = stage.node.default_child
        assert isinstance(cfn_stage, apigateway.CfnStage)
        cfn_stage.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format="$context.requestId"
        )
        ssm.StringParameter(self, "Url", parameter_name="/shop/url", string_value=stage.url)
        cdk.CfnOutput(self, "ApiUrl", value=api.api_endpoint)

    def _workflow(self, function: lambda_.Function) -> None:
        topic = sns.Topic(self, "Alerts", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription("shop@example.com"))
        machine = stepfunctions.StateMachine(
            self,
            "Machine",
            definition_body=stepfunctions.DefinitionBody.from_chainable(
                tasks.LambdaInvoke(self, "Invoke", lambda_function=function)
            ),
            tracing_enabled=True,
            logs=stepfunctions.LogOptions(
                destination=logs.LogGroup(self, "MachineLog"), level=stepfunctions.LogLevel.ALL
            ),
        )
        dead_letters = sqs.Queue(self, "DeadLetters", enforce_ssl=True)
        work = sqs.Queue(
            self,
            "Work",
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=3, queue=dead_letters),
        )
        function.add_event_source(sources.SqsEventSource(work, report_batch_item_failures=True))
        events.Rule(
            self,
            "Nightly",
            schedule=events.Schedule.cron(hour="3", minute="0"),
            targets=[targets.SfnStateMachine(machine, dead_letter_queue=dead_letters)],
        )
        scheduler.Schedule(
            self,
            "Hourly",
            schedule=scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)),
            target=scheduler_targets.LambdaInvoke(function, dead_letter_queue=dead_letters),
        )
        alarm = function.metric_errors().create_alarm(self, "Errors", threshold=1, evaluation_periods=1)
        alarm.add_alarm_action(actions.SnsAction(topic))
        cloudwatch.Dashboard(self, "Dashboard", widgets=[[cloudwatch.GraphWidget(left=[function.metric_errors()])]])
        iam.ManagedPolicy(
            self,
            "Operators",
            statements=[iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn])],
        )


def synthesize(directory: Path) -> None:
    code = directory.parent / "code"
    code.mkdir()
    (code / "index.py").write_text("def handler(event, context):\n    return event\n")
    app = cdk.App(
        outdir=str(directory),
        builtin_cloud_formation_validation=False,
        context={"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True},
    )
    ServingStack(app, data=DataStack(app), code=str(code))
    app.synth()


if __name__ == "__main__":
    synthesize(Path(sys.argv[1]))
