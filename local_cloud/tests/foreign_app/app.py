"""CDK app that is independent of the rest of the repository. The embedded cloud must run apps of others, too."""

import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from foreign_app.api import add_api

CODE = Path(__file__).parent / "code"
TRAINING_ROLE = "arn:aws:iam::123456789012:role/training"
FOREIGN_ELF_HEADER = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + b"\xb7\x00" + bytes(44)


def write_layer(directory: Path) -> Path:
    """Write a layer with a package of pure Python, and a package compiled for another Python and processor."""
    python = directory / "python"
    (python / "markupsafe").mkdir(parents=True)
    (python / "greeting.py").write_text('def hello(name):\n    return f"hello {name}"\n')
    (python / "markupsafe" / "__init__.py").write_text("raise ImportError('this is the copy in the layer')\n")
    (python / "markupsafe" / "_speedups.cpython-399-aarch64-linux-gnu.so").write_bytes(FOREIGN_ELF_HEADER)
    return directory


class ForeignStack(cdk.Stack):
    def __init__(self, app: cdk.App, layer: Path) -> None:
        super().__init__(app, "Foreign")
        self.deliveries = dynamodb.Table(
            self,
            "Deliveries",
            partition_key=dynamodb.Attribute(name="consumer", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="delivery", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        )
        self.layer = lambda_.LayerVersion(self, "Layer", code=lambda_.Code.from_asset(str(layer)))
        self.letters = sqs.Queue(self, "Letters")
        self.bucket = s3.Bucket(self, "Bucket")
        configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        bucket = self.bucket.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.notification_configuration = configuration
        self.topic = sns.Topic(self, "Topic")
        self.output(Deliveries=self.deliveries.table_name, Letters=self.letters.queue_url)
        self.output(Bucket=self.bucket.bucket_name, Topic=self.topic.topic_arn)
        self.add_sources()
        self.add_events()
        self.add_misbehaving()
        add_api(self)
        self.add_workflow()

    def output(self, **values: str) -> None:
        for name, value in values.items():
            cdk.CfnOutput(self, f"Output{name}", value=value).override_logical_id(name)

    def function(self, name: str, handler: str, **options: Any) -> lambda_.Function:
        settings: dict[str, Any] = {
            "runtime": lambda_.Runtime.PYTHON_3_13,
            "architecture": lambda_.Architecture.ARM_64,
            "memory_size": 256,
            "timeout": cdk.Duration.seconds(120),
            "environment": {"DELIVERIES": self.deliveries.table_name},
        }
        function = lambda_.Function(
            self, name, handler=handler, code=lambda_.Code.from_asset(str(CODE)), **(settings | options)
        )
        self.deliveries.grant_write_data(function)
        self.output(**{f"{name}Function": function.function_name})
        return function

    def add_sources(self) -> None:
        work = sqs.Queue(
            self,
            "Work",
            visibility_timeout=cdk.Duration.seconds(1),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=2, queue=self.letters),
        )
        consumer = self.function("QueueConsumer", "consumers.queue_messages")
        consumer.add_event_source(
            sources.SqsEventSource(
                work,
                batch_size=5,
                report_batch_item_failures=True,
                filters=[lambda_.FilterCriteria.filter({"body": lambda_.FilterRule.not_equals("ignored")})],
            )
        )
        orders = kinesis.Stream(self, "Orders", shard_count=2)
        self.function("OrdersConsumer", "consumers.orders").add_event_source(
            sources.KinesisEventSource(
                orders,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                max_batching_window=cdk.Duration.seconds(1),
                retry_attempts=1,
                bisect_batch_on_error=True,
                on_failure=sources.S3OnFailureDestination(self.bucket),
                metrics_config=lambda_.MetricsConfig(metrics=[lambda_.MetricType.EVENT_COUNT]),
            )
        )
        clicks = kinesis.Stream(self, "Clicks", shard_count=1)
        self.function("ClicksConsumer", "consumers.clicks").add_event_source(
            sources.KinesisEventSource(
                clicks,
                starting_position=lambda_.StartingPosition.LATEST,
                batch_size=10,
                max_batching_window=cdk.Duration.seconds(1),
                retry_attempts=1,
                report_batch_item_failures=True,
                on_failure=sources.SqsDlq(self.letters),
                filters=[lambda_.FilterCriteria.filter({"data": {"id": lambda_.FilterRule.exists()}})],
            )
        )
        stock = dynamodb.Table(
            self,
            "Stock",
            partition_key=dynamodb.Attribute(name="item", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.NEW_IMAGE,
        )
        self.function("StockConsumer", "consumers.stock_changes").add_event_source(
            sources.DynamoEventSource(stock, starting_position=lambda_.StartingPosition.TRIM_HORIZON)
        )
        self.output(Work=work.queue_url, Orders=orders.stream_name, Clicks=clicks.stream_name, Stock=stock.table_name)

    def add_events(self) -> None:
        hourly = self.function("Hourly", "consumers.anything")
        hourly_rule = events.Rule(self, "HourlyRule", schedule=events.Schedule.rate(cdk.Duration.hours(1)))
        hourly_rule.add_target(targets.LambdaFunction(hourly))
        nightly = events.Rule(self, "NightlyRule", schedule=events.Schedule.cron(minute="30", hour="3"))
        nightly.add_target(targets.SnsTopic(self.topic, message=events.RuleTargetInput.from_object({"job": "nightly"})))
        self.topic.add_subscription(subscriptions.LambdaSubscription(self.function("Notified", "consumers.anything")))
        mailbox = sqs.Queue(self, "Mailbox")
        role = iam.Role(self, "SchedulerRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        scheduler.CfnSchedule(
            self,
            "Every2Hours",
            schedule_expression="rate(2 hours)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=mailbox.queue_arn, role_arn=role.role_arn, input='{"from": "scheduler"}'
            ),
        )
        uploaded = self.function("Uploaded", "consumers.anything")
        rule = events.Rule(
            self,
            "UploadRule",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"object": {"key": [{"prefix": "uploads/"}]}},
            ),
        )
        rule.add_target(
            targets.LambdaFunction(
                uploaded,
                event=events.RuleTargetInput.from_object(
                    {
                        "bucket": events.EventField.from_path("$.detail.bucket.name"),
                        "note": f"object {events.EventField.from_path('$.detail.object.key')} came",
                        "size": events.EventField.from_path("$.detail.object.size"),
                    }
                ),
            )
        )
        self.output(Mailbox=mailbox.queue_url, HourlyRule=hourly_rule.rule_name, PowerlessRole=role.role_arn)

    def add_misbehaving(self) -> None:
        self.function(
            "Failing",
            "misbehaving.fail",
            memory_size=192,
            on_failure=destinations.SqsDestination(self.letters),
            retry_attempts=1,
        )
        self.function("Sleeping", "misbehaving.fail", timeout=cdk.Duration.seconds(1))
        self.function("DeadLettered", "misbehaving.fail", dead_letter_queue=self.letters)
        broken = self.function("Broken", "broken.handler")
        alarm = broken.metric_errors(period=cdk.Duration.minutes(5)).create_alarm(
            self, "Breaks", threshold=1, evaluation_periods=1
        )
        everything = cloudwatch.CompositeAlarm(
            self, "Everything", alarm_rule=cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
        )
        self.output(BreaksAlarm=alarm.alarm_name, EverythingAlarm=everything.alarm_name)
        self.function("Lonely", "web.where", reserved_concurrent_executions=1, layers=[self.layer])
        where = self.function("Where", "web.where", layers=[self.layer])
        live = lambda_.Alias(self, "Live", alias_name="live", version=where.current_version)
        self.output(LiveAlias=live.function_arn)

    def add_workflow(self) -> None:
        anything = self.function("Step", "consumers.anything")
        # The CDK's construct of a training job has no container entry point.
        train = sfn.CustomState(
            self,
            "Train",
            state_json={
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
                "Parameters": {
                    "TrainingJobName.$": "$.job",
                    "RoleArn": TRAINING_ROLE,
                    "AlgorithmSpecification": {
                        "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1",
                        "TrainingInputMode": "File",
                        "ContainerEntrypoint.$": "$.entrypoint",
                    },
                    "OutputDataConfig": {"S3OutputPath": self.bucket.s3_url_for_object("models/")},
                    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
                    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
                },
                "ResultPath": "$.training",
            },
        )
        published = tasks.SnsPublish(
            self, "Tell", topic=self.topic, message=sfn.TaskInput.from_json_path_at("$.error.Cause")
        )
        failed = published.next(sfn.Fail(self, "Failed", error="TrainingFailed"))
        train.add_catch(failed, result_path="$.error")
        done = tasks.LambdaInvoke(
            self,
            "Done",
            lambda_function=anything,
            payload=sfn.TaskInput.from_object({"model": sfn.JsonPath.object_at("$.training.ModelArtifacts")}),
            payload_response_only=True,
        )
        machine = sfn.StateMachine(self, "Machine", definition_body=sfn.DefinitionBody.from_chainable(train.next(done)))
        machine.add_to_role_policy(
            iam.PolicyStatement(
                actions=["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob"],
                resources=[self.format_arn(service="sagemaker", resource="training-job", resource_name="*")],
            )
        )
        machine.add_to_role_policy(iam.PolicyStatement(actions=["iam:PassRole"], resources=[TRAINING_ROLE]))
        alarm = machine.metric_failed(period=cdk.Duration.minutes(5)).create_alarm(
            self, "MachineFails", threshold=1, evaluation_periods=1
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.output(Machine=machine.state_machine_arn, MachineAlarm=alarm.alarm_name)


def synthesize(output: Path, layer: Path) -> Path:
    app = cdk.App(outdir=str(output), analytics_reporting=False)
    ForeignStack(app, write_layer(layer))
    app.synth()
    return output


if __name__ == "__main__":
    synthesize(Path(sys.argv[1]), Path(sys.argv[2]))
