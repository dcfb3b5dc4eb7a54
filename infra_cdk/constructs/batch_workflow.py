"""Step Functions workflow of a batch run.

It computes recommendations for the user IDs in S3 objects and writes one table.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from alsolike.declarations.storage import BATCH_PREFIX
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import Permission, add_policy, colon_arn, objects
from infra_cdk.constructs.state_machine import state_machine
from infra_cdk.constructs.workflow_steps import Attempts, call
from infra_cdk.settings import Settings

RECOMMEND_TIMEOUT_S, WRITE_TIMEOUT_S = 30, 150
"""Timeouts of invocations in seconds, slightly longer than the timeouts of the functions."""
_RECOMMEND = Attempts(timeout_s=RECOMMEND_TIMEOUT_S)
_WRITE = Attempts(timeout_s=WRITE_TIMEOUT_S)
_EXCHANGE = Attempts(timeout_s=960)
_KEEP = Attempts(timeout_s=60)
_LONGEST = cdk.Duration.days(14)

# Retried errors: a dependency of the functions is unavailable, or an invocation timed out.
_TRANSIENT = ("Unavailable", "Sandbox.Timedout", "States.Timeout")


class BatchWorkflow(Construct):
    """State machine with the input ``{"run", "recommender", "numResults", "filter", "filterValues"}``.

    A batch inference or segment job adds `source` and `output`, the files in the caller's bucket. The objects
    `batch/<run>/users/<batch>.json` contain the user IDs of the run, a JSON list per object.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        artefacts: s3.IBucket,
        recommend: lambda_.IFunction,
        write_recommendations: lambda_.IFunction,
        exchange_batch: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self._artefacts = artefacts
        batches = sfn.DistributedMap(
            self,
            "Batches",
            # An object per batch is used instead of an ItemBatcher, because the object's name is also the name of the
            # table's part, and an object may be larger than the input of an execution.
            item_reader=sfn.S3ObjectsItemReader(
                bucket=artefacts, prefix=sfn.JsonPath.format(f"{BATCH_PREFIX}{{}}/users/", _input("run"))
            ),
            item_selector={
                **{name: _input(name) for name in ("run", "recommender", "numResults", "filter", "filterValues")},
                "key": sfn.JsonPath.string_at("$$.Map.Item.Value.Key"),
                "progress": {"first": 0},
            },
            max_concurrency=settings.batch_concurrency,
            tolerated_failure_count=0,
            result_writer_v2=sfn.ResultWriterV2(
                bucket=artefacts, prefix=sfn.JsonPath.format(f"{BATCH_PREFIX}{{}}/results", _input("run"))
            ),
            result_path=sfn.JsonPath.DISCARD,
        )
        batches.item_processor(
            self._batch(recommend, write_recommendations),
            mode=sfn.ProcessorMode.DISTRIBUTED,
            execution_type=sfn.ProcessorType.STANDARD,
        )
        acknowledge(
            batches,
            finding="Annotation::@aws-cdk/aws-stepfunctions:propertyIgnored",
            reason="The CDK requires the type of the processor, but then uses the type of the map, which is the same",
        )
        self.state_machine, role = state_machine(
            self,
            self._with_files(batches, exchange_batch),
            settings=settings,
            description="permissions of the batch workflow",
            permissions=[
                Permission(
                    actions=["lambda:InvokeFunction"],
                    resources=[recommend.function_arn, write_recommendations.function_arn, exchange_batch.function_arn],
                ),
                Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
                objects(
                    artefacts,
                    BATCH_PREFIX,
                    actions=["s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
                    reason="Objects are named after runs and their batches",
                ),
            ],
            timeout=_LONGEST,
        )
        self._permit_own_executions(role)

    def _with_files(self, batches: sfn.DistributedMap, exchange: lambda_.IFunction) -> sfn.IChainable:
        def step(construct_id: str, *names: str) -> tasks.LambdaInvoke:
            payload = {f"{name}.$": f"$.{name}" for name in names}
            return call(
                self,
                construct_id,
                exchange,
                _EXCHANGE,
                payload=payload,
                fields=("users",),
                result_path=f"$.{construct_id.lower()}",
                transient=_TRANSIENT,
            )

        read = ("run", "recommender", "numResults", "source")
        has_files = sfn.Condition.is_present("$.source")
        written = sfn.Choice(self, "ToFile").when(has_files, step("Deliver", *read, "output"))
        batches.next(written.otherwise(sfn.Succeed(self, "InParts")))
        first = sfn.Choice(self, "FromFile").when(has_files, step("ReadUsers", *read).next(batches))
        return first.otherwise(batches)

    def _batch(self, recommend: lambda_.IFunction, write: lambda_.IFunction) -> sfn.IChainable:
        name = "States.ArrayGetItem(States.StringSplit(States.ArrayGetItem(States.StringSplit($.key, '/'), 3), '.'), 0)"
        named = sfn.Pass(
            self,
            "Name",
            parameters={"batch.$": name},
            result_path="$.named",
            comment=f"{BATCH_PREFIX}<run>/users/<batch>.json",
        )
        answer = call(
            self,
            "Recommend",
            recommend,
            _RECOMMEND,
            payload={
                "batch": {
                    "input": {"key.$": "$.key"},
                    "first.$": "$.progress.first",
                    "recommender.$": "$.recommender",
                    "numResults.$": "$.numResults",
                    "filter.$": "$.filter",
                    "filterValues.$": "$.filterValues",
                    "segments": {"key.$": f"States.Format('{BATCH_PREFIX}{{}}/segments.json', $.run)"},
                    "output": {
                        "key.$": f"States.Format('{BATCH_PREFIX}{{}}/answers/{{}}/{{}}.jsonl', $.run, $.named.batch, "
                        "$.progress.first)"
                    },
                }
            },
            fields=("answered", "notDone"),
            result_path="$.recommended",
            transient=_TRANSIENT,
        )
        further = sfn.Pass(
            self,
            "GoOn",
            parameters={"first.$": "States.MathAdd($.progress.first, $.recommended.answered)"},
            result_path="$.progress",
        )
        written = call(
            self,
            "Write",
            write,
            _WRITE,
            payload={"run.$": "$.run", "batch.$": "$.named.batch", "recommender.$": "$.recommender"},
            fields=("users", "items", "failed"),
            result_path="$.written",
            transient=_TRANSIENT,
        )
        self._keep_reason(answer, written)
        done = sfn.Succeed(self, "Written", output_path="$.written")
        all_done = (
            sfn.Choice(self, "AllDone")
            .when(sfn.Condition.number_greater_than("$.recommended.notDone", 0), further.next(answer))
            .otherwise(written.next(done))
        )
        return named.next(answer).next(all_done)

    def _keep_reason(self, *steps: tasks.LambdaInvoke) -> None:
        """Write the error of a failed batch to S3 for clients. The parent execution's error does not contain it."""
        keep = tasks.CallAwsService(
            self,
            "KeepReason",
            service="s3",
            action="putObject",
            parameters={
                "Bucket": self._artefacts.bucket_name,
                "Key.$": f"States.Format('{BATCH_PREFIX}{{}}/errors/{{}}.json', $.run, $.named.batch)",
                "Body.$": "States.JsonToString($.error)",
            },
            iam_resources=[self._artefacts.arn_for_objects(f"{BATCH_PREFIX}*")],
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=_KEEP.timeout,
        )
        _KEEP.repeat(keep, ["States.ALL"])
        keep.next(sfn.Fail(self, "Failed", error_path="$.error.Error", cause_path="$.error.Cause"))
        for step in steps:
            step.add_catch(keep, errors=["States.ALL"], result_path="$.error")

    def _permit_own_executions(self, role: iam.Role) -> None:
        # This policy replaces the CDK's policy, which has the same scope but no reason for its wildcards.
        self.state_machine.node.try_remove_child("DistributedMapPolicy")
        machine = self.state_machine
        names = [f"{machine.state_machine_name}{each}" for each in (":*", "/*")]
        executions = [colon_arn(self, "states", "execution", name) for name in names]
        add_policy(
            self,
            "OwnExecutions",
            role=role,
            permissions=[
                Permission(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
                Permission(
                    actions=["states:DescribeExecution", "states:StopExecution"],
                    resources=executions,
                    wildcard_reason="Each batch of a run is an execution with a unique name",
                ),
            ],
        )


def _input(name: str) -> str:
    return sfn.JsonPath.string_at(f"$$.Execution.Input.{name}")
