import functools
import hashlib
import importlib
import importlib.metadata
import inspect
from pathlib import Path

import pytest
from moto.sagemaker.models import SageMakerModelBackend

from local_cloud.moto_changes import CHANGES
from local_cloud.moto_changes.jobs import keep_package_properties
from local_cloud.moto_changes.state_machines import exceeds_tolerance

# Parts of moto that our changes rely on, with the first 12 digits of the SHA-256 of their source. If one differs,
# compare the old and the new source, adapt or remove our change, and store the new digits. A new change adds its parts.
FINGERPRINTS = {
    "moto.awslambda.models:EventSourceMapping": "adefb82506f3",
    "moto.awslambda.models:LambdaBackend.create_event_source_mapping": "19f8125cabf7",
    "moto.awslambda.models:LambdaBackend.invoke": "708fb4c92029",
    "moto.awslambda.models:LambdaFunction.invoke": "dadc324f30ae",
    "moto.awslambda.responses:LambdaResponse.invoke": "8f68f0bf023a",
    "moto.backends:list_of_moto_modules": "4f741a10b065",
    "moto.cloudformation.responses:CloudFormationResponse.delete_stack": "4444140dae50",
    "moto.cloudformation.responses:CloudFormationResponse.describe_stacks": "5ec521790e24",
    "moto.cloudformation.responses:CloudFormationResponse.get_template": "81c70cece96b",
    "moto.cloudformation.responses:CloudFormationResponse.list_stack_resources": "fcc4b4296d4f",
    "moto.cloudwatch.models:Alarm.update_state": "9308fec8c5cd",
    "moto.cloudwatch.models:CloudWatchBackend.get_all_metrics": "ce7821bc32f4",
    "moto.cloudwatch.models:CloudWatchBackend.get_metric_data": "ea8fffafcc06",
    "moto.cloudwatch.models:CloudWatchBackend.get_metric_statistics": "844bf661c8f9",
    "moto.cloudwatch.models:CloudWatchBackend.put_metric_data": "300dda002442",
    "moto.cloudwatch.models:MetricAggregatedDatum": "e40b1f56c470",
    "moto.cloudwatch.models:Statistics": "25e22b7c0847",
    "moto.cloudwatch.responses:CloudWatchResponse.put_metric_alarm": "5feec7a73726",
    "moto.core.common_models:BaseModel.__new__": "08cf0ef20e88",
    "moto.core.parse:RequestParser._parse_map": "a9e8feb4d551",
    "moto.core.responses:BaseResponse._dispatch": "446e22484251",
    "moto.core.responses:method_names_from_class": "9dbac89d082b",
    "moto.core.serialize:BaseJSONSerializer._serialize_type_map": "faa32d1fa9a8",
    "moto.dynamodb.models.dynamo_type:DynamoType": "72b795ad49f1",
    "moto.dynamodb.models.dynamo_type:Item.__init__": "d9c12b62cb92",
    "moto.dynamodb.models.dynamo_type:Item.project": "f411e6d8b568",
    "moto.dynamodb.models.dynamo_type:Item.size": "9bc6ada96d33",
    "moto.dynamodb.models.dynamo_type:Item.to_json": "cf0a9332389d",
    "moto.dynamodb.models.dynamo_type:LimitedSizeDict": "c956079ac955",
    "moto.dynamodb.models.table:StreamRecord.__init__": "511904c6352c",
    "moto.dynamodb.models.table:StreamShard.add": "357dc6da267e",
    "moto.dynamodb.models.table:StreamShard.get": "fa7e9a0d7b43",
    "moto.dynamodb.models.table:Table.all_items": "c80d2ee3c896",
    "moto.dynamodb.models.table:Table.put_item": "de23933013ef",
    "moto.dynamodb.models.table:Table.query": "002b4d00be6d",
    "moto.dynamodb.models.table:Table.scan": "5ef1ab21eef0",
    "moto.dynamodb.models.utilities:dynamo_to_dict": "80f600124c13",
    "moto.dynamodb.models:DynamoDBBackend.delete_item": "083a4bb1af18",
    "moto.dynamodb.models:DynamoDBBackend.delete_table": "bab269fa8eff",
    "moto.dynamodb.models:DynamoDBBackend.put_item": "f5d9a5042c77",
    "moto.dynamodb.models:DynamoDBBackend.transact_write_items": "81db2cb7d94e",
    "moto.dynamodb.models:DynamoDBBackend.update_item": "218984588dd6",
    "moto.dynamodb.responses:DynamoHandler.batch_write_item": "26221a09e2b2",
    "moto.dynamodb.responses:DynamoResult.__init__": "e2394775cd5e",
    "moto.dynamodbstreams.models:DynamoDBStreamsBackend.get_records": "db8c6cb04430",
    "moto.dynamodbstreams.models:DynamoDBStreamsBackend.get_shard_iterator": "a0be676df0bf",
    "moto.events.models:EventPattern.matches_event": "3e71eb7ff590",
    "moto.events.models:Rule.send_to_targets": "472e002e2dab",
    "moto.glue.models:FakeJob.start_job_run": "eacd4b77429e",
    "moto.glue.models:FakeJobRun.__init__": "3cc19659c5a9",
    "moto.glue.models:FakeJobRun.as_dict": "5d9d7de3c586",
    "moto.kinesis.models:KinesisBackend.delete_stream": "05261a73cf20",
    "moto.kinesis.models:Record": "a02b534016d9",
    "moto.kinesis.models:Shard.get_max_sequence_number": "eff48df162f5",
    "moto.kinesis.models:Shard.get_records": "1188a73a6b3d",
    "moto.kinesis.models:Shard.put_record": "e2d15174261b",
    "moto.kinesis.models:Stream.put_record": "cafda0597b23",
    "moto.logs.models:LogGroup.put_log_events": "01dab88c3087",
    "moto.logs.models:LogStream._send_log_events": "28c8e81b695b",
    "moto.logs.models:LogStream.put_log_events": "b07b0d5ae328",
    "moto.moto_api._internal.managed_state_model:ManagedState": "3564c9f1675b",
    "moto.s3.models:FakeKey": "38cbad7c55b9",
    "moto.s3.models:FakeKey.__setstate__": "5ce39b3d465a",
    "moto.s3.models:S3Backend.list_object_versions": "268a5f62e83a",
    "moto.s3.models:S3Backend.delete_object": "5c1677b52971",
    "moto.s3.models:S3Backend.delete_object_tagging": "e4166b26185e",
    "moto.s3.models:S3Backend.put_object": "db803f2da9d7",
    "moto.s3.models:S3Backend.put_object_acl": "7885ddbb8f73",
    "moto.s3.models:S3Backend.put_object_legal_hold": "77abe7733091",
    "moto.s3.models:S3Backend.put_object_retention": "913c8a1c3e12",
    "moto.s3.models:S3Backend.put_object_tagging": "5d1ebe6352a4",
    "moto.s3.responses:S3Response.delete_object": "1d979bff76a9",
    "moto.s3.responses:S3Response.put_object": "992229be920b",
    "moto.sagemaker.models:FakeTrainingJob.__init__": "74031841b1bd",
    "moto.sagemaker.models:SageMakerModelBackend.create_model_package": "4ea72cf36a04",
    "moto.sagemaker.models:SageMakerModelBackend.create_training_job": "28e33b84f7b4",
    "moto.sagemaker.models:SageMakerModelBackend.update_model_package": "97b9da5816c6",
    "moto.sagemaker.responses:SageMakerResponse.create_training_job": "10db6d601d79",
    "moto.sns.models:Subscription.publish": "fd07bd0bb87f",
    "moto.sns.models:Topic.publish": "8a3b92494536",
    "moto.sqs.models:Queue.add_message": "f27c9231c1f2",
    "moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3"
    ":ResourceEvalS3": "52a91dea9531",
    "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component"
    ":DistributedIterationComponent._map_run": "e45cb604929f",
    "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor_worker"
    ":DistributedItemProcessorWorker._eval_job": "c97e0ed4aba1",
    "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback"
    ":StateTaskServiceCallback._eval_integration_pattern": "3b97ada1d4cb",
    "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue"
    ":StateTaskServiceGlue": "c138c298391f",
    "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported"
    ":StateTaskServiceUnsupported": "16020969ec48",
    "moto.stepfunctions.parser.asl.utils.boto_client:boto_client_for": "1f44dc2ac8aa",
    "moto.stepfunctions.parser.backend.execution:BaseExecutionWorkerCommunication"
    "._reflect_execution_status": "038a396107af",
    "moto.stepfunctions.parser.backend.execution:Execution.__init__": "072ed5928123",
    "moto.stepfunctions.parser.backend.execution:Execution.start": "07e927c2d5f9",
    "moto.stepfunctions.parser.models:StepFunctionsParserBackend.start_execution": "0f8d9dd57baf",
    "moto.stepfunctions.responses:get_backend": "e736380f7d9c",
}


def fingerprint(piece):
    module, _, name = piece.partition(":")
    found = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    return hashlib.sha256(inspect.getsource(inspect.unwrap(found)).encode()).hexdigest()[:12]  # type: ignore[arg-type]


def test_moto_has_the_version_of_the_changes():
    assert importlib.metadata.version("moto") == "5.2.5"


@pytest.mark.parametrize("piece", sorted(FINGERPRINTS))
def test_changed_part_of_moto_has_its_fingerprint(piece):
    assert fingerprint(piece) == FINGERPRINTS[piece]


def test_repeated_change_is_applied_once(monkeypatch):
    monkeypatch.setattr(SageMakerModelBackend, "update_model_package", SageMakerModelBackend.update_model_package)
    keep_package_properties()
    once = SageMakerModelBackend.update_model_package

    keep_package_properties()

    assert SageMakerModelBackend.update_model_package is once


@pytest.mark.parametrize(
    ("failed", "count", "percentage", "exceeded"),
    [
        (0, 0, 0, False),
        (1, 0, 0, True),
        (2, 2, 0, False),
        (3, 2, 0, True),
        (2, 0, 20, False),
        (3, 0, 20, True),
        (3, 2, 50, True),
        (3, 5, 20, True),
        (2, 5, 20, False),
        (10, 0, 100, False),
    ],
)
def test_map_of_ten_items_fails_if_a_limit_of_failures_is_exceeded(failed, count, percentage, exceeded):
    assert exceeds_tolerance(failed, 10, count=count, percentage=percentage) is exceeded


def test_upstream_page_has_each_change_once():
    lines = (Path(__file__).parents[2] / "UPSTREAM.md").read_text().splitlines()
    rows = [
        line.split(" | ")[1].removesuffix(" |") for line in lines if line.startswith("| ") and "reason of" not in line
    ]
    own = [line.removeprefix("- ") for line in lines if line.startswith("- ")]

    reasons = [inspect.cleandoc(str(change.__doc__)).splitlines()[0].removesuffix(".") for change in CHANGES]
    assert sorted([*rows, *own]) == sorted(reasons)
