import datetime as dt
import importlib.metadata
import json
import pickle
import time
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.glue.models import glue_backends
from moto.kinesis.models import Shard, kinesis_backends
from moto.s3.models import FakeKey, s3_backends
from moto.ssm.models import ssm_backends
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from builders import create_table
from local_cloud.moto_changes import recording, stores
from local_cloud.moto_state import seed_ids
from local_cloud.storage import pickling
from local_cloud.storage.executions import execution_of
from local_cloud.storage.journal import MOTO, DataError, Journal, UnreadableDataError
from local_cloud.storage.objects import Objects, release
from local_cloud.storage.recorder import Recorder

REGION, ACCOUNT = "us-east-1", "123456789012"
PLACE = "kinesis/events/shardId-000000000000"


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


@pytest.fixture
def objects(journal, monkeypatch):
    """Return a function that creates `Objects`. moto reads contents from the `Objects` that were created last."""
    for name in ("value", "__deepcopy__"):
        monkeypatch.setattr(FakeKey, name, getattr(FakeKey, name, None), raising=False)
    current: list[Objects] = []
    runtime: Any = SimpleNamespace(recorder=SimpleNamespace(content=lambda version: current[-1].content(version)))
    recording._read_stored_contents(runtime)

    def make():
        current.append(Objects(s3_backends[ACCOUNT]["aws"], journal))
        return current[-1]

    return make


def restarted(journal):
    """Restore a journal into moto, as a cloud does when it starts."""
    recorder = Recorder(journal, region=REGION, account=ACCOUNT)
    recorder.restore()
    recorder.start()
    return recorder


def event_stream():
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="events", ShardCount=1)
    (stream,) = kinesis_backends[ACCOUNT][REGION].streams.values()
    return stream


def versioned_bucket():
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="shop")
    s3.put_bucket_versioning(Bucket="shop", VersioningConfiguration={"Status": "Enabled"})
    return s3


def listed(s3):
    answer = s3.list_object_versions(Bucket="shop")
    return [(kind, entry["VersionId"]) for kind in ("Versions", "DeleteMarkers") for entry in answer.get(kind, [])]


def test_versions_tags_and_delete_markers_are_restored(journal, objects):
    with mock_aws():
        s3 = versioned_bucket()
        s3.put_object(Bucket="shop", Key="k", Body=b"one", Metadata={"a": "b"}, Tagging="colour=red")
        s3.put_object(Bucket="shop", Key="k", Body=b"two")
        s3.delete_object(Bucket="shop", Key="k")
        before = listed(s3)
        objects().write("shop", "k")
        journal.commit()
    first = before[1][1]

    with mock_aws():
        s3 = versioned_bucket()
        objects().restore()
        answer = s3.get_object(Bucket="shop", Key="k", VersionId=first)
        assert listed(s3) == before
        assert (answer["Body"].read(), answer["ContentLength"], answer["Metadata"], answer["ETag"]) == (
            b"one",
            3,
            {"a": "b"},
            '"f97c5d29941bfb1b2fdab0874906ab82"',
        )
        assert s3.get_object_tagging(Bucket="shop", Key="k", VersionId=first)["TagSet"] == [
            {"Key": "colour", "Value": "red"}
        ]


def test_stored_contents_are_read_from_the_journal(journal, objects):
    with mock_aws():
        s3, stored = versioned_bucket(), objects()
        versions = [s3.put_object(Bucket="shop", Key="k", Body=body)["VersionId"] for body in (b"one", b"second")]
        new = stored.write("shop", "k")
        journal.commit()
        for version in new:
            release(version)

        assert stored.write("shop", "k") == []
        assert [version._value_buffer for version in new] == [None, None]
        assert [s3.get_object(Bucket="shop", Key="k", VersionId=version)["Body"].read() for version in versions] == [
            b"one",
            b"second",
        ]
        assert s3.get_object(Bucket="shop", Key="k", Range="bytes=2-3")["Body"].read() == b"co"
        assert s3.head_object(Bucket="shop", Key="k")["ContentLength"] == 6
        s3.copy_object(Bucket="shop", Key="copy", CopySource={"Bucket": "shop", "Key": "k"})
        assert s3.get_object(Bucket="shop", Key="copy")["Body"].read() == b"second"


def test_list_of_versions_reads_no_content(journal, objects, monkeypatch):
    with mock_aws():
        s3 = versioned_bucket()
        objects()
        for body in (b"one", b"second"):
            s3.put_object(Bucket="shop", Key="k", Body=body)
        s3.delete_object(Bucket="shop", Key="k")
        monkeypatch.setattr(FakeKey, "value", property())
        answer = s3.list_object_versions(Bucket="shop")
        assert sorted(version["Size"] for version in answer["Versions"]) == [3, 6]
        monkeypatch.undo()
        assert [
            s3.get_object(Bucket="shop", Key="k", VersionId=each["VersionId"])["Body"].read()
            for each in answer["Versions"]
        ]


def test_content_of_a_deleted_version_is_deleted(journal, objects):
    with mock_aws():
        s3, stored = versioned_bucket(), objects()
        version = s3.put_object(Bucket="shop", Key="k", Body=b"one")["VersionId"]
        (written,) = stored.write("shop", "k")
        journal.commit()
        assert journal.content(written.stored_content) == b"one"

        s3.delete_object(Bucket="shop", Key="k", VersionId=version)
        stored.write("shop", "k")
        journal.commit()

    with pytest.raises(DataError):
        journal.content(written.stored_content)
    assert list(journal.read("object")) == []


def test_execution_interrupted_by_the_end_of_the_cloud_is_failed():
    execution = execution_of({"name": "e", "exec_status": ExecutionStatus.RUNNING, "events": [{"id": 1}]}, None)

    assert execution.exec_status == ExecutionStatus.FAILED
    assert execution.cause == "The embedded cloud ended while this execution ran. Start it again."
    assert execution.to_history_output()["events"] == [{"id": 1}]


@pytest.mark.parametrize("entries", [((1,), (2,), (3,)), ((1, 2, 3),)])
def test_stream_without_a_mapping_keeps_records_of_one_day(tmp_path, entries):
    created = {1: time.time() - 90_000, 2: time.time() - 87_000, 3: time.time() - 1_000}
    journal = Journal(tmp_path)
    for numbers in entries:
        records = [
            {"partition_key": "k", "data": "", "sequence_number": number, "created_at": created[number]}
            for number in numbers
        ]
        journal.put("record", PLACE, f"{numbers[-1]:030d}", pickle.dumps(records))
    journal.commit()

    with mock_aws():
        stream, _ = event_stream(), restarted(journal)
        assert list(stream.shards["shardId-000000000000"].records) == [3]

    assert [int(name) for _, name, _ in journal.read("record")] == [3]


def test_position_of_the_slowest_mapping_decides_the_kept_records(tmp_path):
    journal = Journal(tmp_path)
    with mock_aws():
        stream = event_stream()
        recorder = Recorder(journal, region=REGION, account=ACCOUNT)
        fast, slow = (recorder.position(PLACE, mapping, 1) for mapping in ("fast", "slow"))
        recorder.start()
        for _ in range(5):
            recorder.stream_record(stream, *reversed(stream.put_record("k", "", "")))
        recorder.advance(PLACE, "fast", 6)
        recorder.advance(PLACE, "slow", 3)

    assert (fast, slow) == (1, 1)
    assert [int(name) for _, name, _ in journal.read("record")] == [2, 3, 4, 5]
    assert [(mapping, int(data)) for _, mapping, data in journal.read("position")] == [("fast", 6), ("slow", 3)]


def test_position_of_a_removed_mapping_is_deleted(tmp_path):
    journal = Journal(tmp_path)
    now = time.time()
    for number, age_s in ((1, 90_000), (2, 1_000)):
        record = {"partition_key": "k", "data": "", "sequence_number": number, "created_at": now - age_s}
        journal.put("record", PLACE, f"{number:030d}", pickle.dumps([record]))
    journal.put("position", PLACE, "removed", b"1")
    journal.commit()

    with mock_aws():
        event_stream()
        recorder = restarted(journal)

        assert recorder.position(PLACE, "removed", 2) == 2
    assert list(journal.read("position")) == []
    assert [int(name) for _, name, _ in journal.read("record")] == [2]


THING = {"id": {"S": "a"}, "number": {"N": "1.50"}, "data": {"B": b"\x00\xff"}}


def stored_thing(journal, **keys):
    with mock_aws():
        create_table(REGION, **keys)
        boto3.client("dynamodb", region_name=REGION).put_item(TableName="things", Item=THING)
        table = dynamodb_backends[ACCOUNT][REGION].tables["things"]
        recorder = Recorder(journal, region=REGION, account=ACCOUNT)
        recorder.start()
        (item,) = table.all_items()
        recorder.items(table, [(item.hash_key, item.range_key)])
        journal.commit()


@pytest.mark.parametrize("keys", [{"id": "S"}, {"data": "B"}, {"id": "S", "number": "N"}, {"number": "N", "data": "B"}])
def test_item_is_restored_under_its_key(journal, keys):
    stored_thing(journal, **keys)

    with mock_aws():
        create_table(REGION, **keys)
        Recorder(journal, region=REGION, account=ACCOUNT).restore()

        answer = boto3.client("dynamodb", region_name=REGION).get_item(
            TableName="things", Key={key: THING[key] for key in keys}
        )
    assert answer["Item"] == THING


@pytest.mark.parametrize("keys", [{"other": "S"}, {"number": "N"}, {"id": "S", "other": "S"}, {"id": "S"}])
def test_table_with_a_changed_key_is_refused_with_its_name(journal, keys):
    stored_thing(journal, id="S", number="N")

    with mock_aws():
        create_table(REGION, **keys)
        with pytest.raises(DataError, match=f"table things has the key {', '.join(keys)} in the .*delete the data"):
            Recorder(journal, region=REGION, account=ACCOUNT).restore()


def test_unsigned_sign_up_is_stored_before_its_response(journal):
    with mock_aws():
        cognito = boto3.client("cognito-idp", region_name=REGION)
        pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
        recorder = Recorder(journal, region=REGION, account=ACCOUNT)
        recorder.start()
        cognito.sign_up(ClientId=client, Username="ann", Password="Passw0rd!")
        recorder.request({"HTTP_X_AMZ_TARGET": "AWSCognitoIdentityProviderService.SignUp"})

    assert len([place for place, _, _ in journal.read("entry") if place == "cognito.users"]) == 1


def test_job_interrupted_by_the_end_of_the_cloud_is_failed(journal):
    def job():
        return SimpleNamespace(training_job_status="InProgress", secondary_status="", failure_reason=None)

    journal.put("entry", "sagemaker.training_jobs", "job", pickling.dumps(job()))
    journal.commit()
    with mock_aws():
        restarted(journal)

    ((_, _, data),) = journal.read("entry")
    assert pickling.loads(data).training_job_status == "Failed"


def test_executions_and_runs_are_restored_in_the_order_of_their_starts(journal):
    first, second = (dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2))
    for name, start in (("a", second), ("b", first)):
        run = SimpleNamespace(job_run_id=name, status="SUCCEEDED", started_on=start)
        journal.put("entry", "glue.job_runs", f"sums|{name}", pickling.dumps(run))
        execution = {"name": name, "exec_status": ExecutionStatus.SUCCEEDED, "start_date": start, "events": []}
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
        journal.put("entry", "states.executions", f"{arn}|{name}", pickling.dumps(execution))
    journal.commit()
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        job = {"Role": "arn:aws:iam::123456789012:role/r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k"}}
        boto3.client("glue", region_name=REGION).create_job(Name="sums", **job)
        definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        boto3.client("stepfunctions", region_name=REGION).create_state_machine(
            name="m", roleArn="arn:aws:iam::123456789012:role/r", definition=definition
        )
        Recorder(journal, region=REGION, account=ACCOUNT).restore()
        (machine,) = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        runs: Any = glue_backends[ACCOUNT][REGION].jobs["sums"].job_runs

        assert [execution.name for execution in machine.executions] == ["b", "a"]
        assert [run.job_run_id for run in runs] == ["b", "a"]


def test_entries_of_the_template_and_of_removed_resources_are_unchanged(journal):
    removed = ("glue.tables", "removed|table", pickling.dumps("its table"))
    journal.put("entry", *removed)
    journal.commit()
    with mock_aws():
        boto3.client("ssm", region_name=REGION).put_parameter(Name="/of/template", Value="1", Type="String")
        restarted(journal)

    assert list(journal.read("entry")) == [removed]


def test_data_of_another_moto_with_the_same_attributes_is_restored(journal):
    with mock_aws():
        ssm = boto3.client("ssm", region_name=REGION)
        recorder = restarted(journal)
        ssm.put_parameter(Name="/of/shop", Value="1", Type="String")
        recorder.service("ssm")
        recorder.commit()
    journal.set_fact(MOTO, "5.1.0")
    with mock_aws():
        restarted(journal)
        assert boto3.client("ssm", region_name=REGION).get_parameter(Name="/of/shop")["Parameter"]["Value"] == "1"
    assert journal.fact(MOTO) == importlib.metadata.version("moto")


def test_data_of_another_moto_without_an_attribute_is_refused(journal):
    with mock_aws():
        boto3.client("ssm", region_name=REGION).put_parameter(Name="/of/shop", Value="1", Type="String")
        (parameter,) = ssm_backends[ACCOUNT][REGION]._parameters["/of/shop"]
        del parameter.data_type
        journal.put("entry", "ssm.parameters", "/of/shop", pickling.dumps([parameter]))
    journal.commit()
    journal.set_fact(MOTO, "5.1.0")
    with mock_aws(), pytest.raises(UnreadableDataError, match=r"moto 5\.1\.0 has a Parameter without 'data_type'"):
        restarted(journal)
    assert journal.fact(MOTO) == "5.1.0"


def test_data_of_a_class_that_moto_no_longer_has_is_refused(journal):
    journal.put("entry", "ssm.parameters", "/of/shop", b"cmoto.ssm.models\nRemoved\n.")
    journal.commit()
    with mock_aws(), pytest.raises(UnreadableDataError, match=r"ssm\.parameters cannot be read: .*'Removed'"):
        restarted(journal)


def create_key(**properties):
    """Create the key of a template. Return a client and the key ID, which is the same after each start."""
    kms = boto3.client("kms", region_name=REGION)
    seed_ids("key")
    key_id = kms.create_key(**properties)["KeyMetadata"]["KeyId"]
    seed_ids(None)
    return kms, key_id


def test_ciphertext_is_decrypted_after_restarts_with_its_key(journal):
    with mock_aws():
        kms, key_id = create_key()
        restarted(journal)
        secret = kms.encrypt(KeyId=key_id, Plaintext=b"secret", EncryptionContext={"a": "b"})["CiphertextBlob"]

    for has_key in (True, False, True):
        with mock_aws():
            kms = create_key()[0] if has_key else None
            restarted(journal)
            if kms:
                assert kms.decrypt(CiphertextBlob=secret, EncryptionContext={"a": "b"})["Plaintext"] == b"secret"


@pytest.mark.parametrize(
    ("spec", "algorithm"), [("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"), ("ECC_NIST_P256", "ECDSA_SHA_256")]
)
def test_signature_of_a_key_is_verified_after_a_restart(journal, spec, algorithm):
    with mock_aws():
        kms, key_id = create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
        restarted(journal)
        signed = {"KeyId": key_id, "Message": b"text", "SigningAlgorithm": algorithm}
        signature = kms.sign(**signed)["Signature"]

    with mock_aws():
        kms, _ = create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
        restarted(journal)
        assert kms.verify(**signed, Signature=signature)["SignatureValid"]


def test_description_of_a_key_follows_the_template(journal):
    for description in ("first", "second"):
        with mock_aws():
            kms, key_id = create_key(Description=description)
            restarted(journal)
            assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == description


def test_key_state_survives_a_restart(journal):
    with mock_aws():
        kms, key_id = create_key()
        recorder = restarted(journal)
        kms.disable_key(KeyId=key_id)
        recorder.service("kms")
        recorder.commit()

    with mock_aws():
        kms, _ = create_key()
        restarted(journal)
        assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Disabled"


def create_pool():
    cognito = boto3.client("cognito-idp", region_name=REGION)
    seed_ids("pool")
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    seed_ids(None)
    return cognito, {"UserPoolId": pool}


def test_users_keep_their_groups_after_a_restart(journal):
    with mock_aws():
        cognito, pool = create_pool()
        recorder = restarted(journal)
        for group in ("readers", "writers"):
            cognito.create_group(**pool, GroupName=group)
        for user in ("ann", "bob"):
            cognito.admin_create_user(**pool, Username=user)
            cognito.admin_add_user_to_group(**pool, Username=user, GroupName="readers")
        recorder.service("cognito-idp")
        recorder.commit()

    with mock_aws():
        cognito, pool = create_pool()
        restarted(journal)
        assert [user["Username"] for user in cognito.list_users(**pool)["Users"]] == ["ann", "bob"]
        cognito.admin_delete_user(**pool, Username="bob")
        members = cognito.list_users_in_group(**pool, GroupName="readers")["Users"]
        groups = cognito.admin_list_groups_for_user(**pool, Username="ann")["Groups"]
        assert ([user["Username"] for user in members], [group["GroupName"] for group in groups]) == (
            ["ann"],
            ["readers"],
        )
        cognito.admin_disable_user(**pool, Username="ann")
        assert not cognito.list_users_in_group(**pool, GroupName="readers")["Users"][0]["Enabled"]


def test_user_created_table_is_listed_after_a_restart(journal):
    for starts in range(2):
        with mock_aws():
            glue = boto3.client("glue", region_name=REGION)
            glue.create_database(DatabaseInput={"Name": "shop"})
            recorder = restarted(journal)
            if starts == 0:
                glue.create_table(DatabaseName="shop", TableInput={"Name": "own"})
                recorder.service("glue")
                recorder.commit()
            assert [table["Name"] for table in glue.get_tables(DatabaseName="shop")["TableList"]] == ["own"]


DAY_S = 86_400


@pytest.fixture
def keeps_numbers(monkeypatch):
    for name in ("put_record", "get_records", "get_max_sequence_number", "forget_records"):
        monkeypatch.setattr(Shard, name, getattr(Shard, name, None), raising=False)
    runtime: Any = SimpleNamespace()
    stores._keep_every_stream_record(runtime)


@pytest.mark.usefixtures("keeps_numbers")
@pytest.mark.parametrize(
    ("age_s", "processed", "stored"),
    [
        (DAY_S - 60, 3, [(3, 1)]),
        (DAY_S + 60, 3, [(3, 0)]),
        (DAY_S + 60, 2, [(3, 1)]),
        (DAY_S + 60, 0, [(1, 1), (2, 1), (3, 1)]),
    ],
)
def test_processed_record_is_deleted_after_a_day_and_its_number_kept(journal, age_s, processed, stored):
    with mock_aws():
        stream, recorder = event_stream(), restarted(journal)
        recorder.position(PLACE, "mapping", 1)
        for _ in range(3):
            recorder.stream_record(stream, *reversed(stream.put_record("anna", "", "")))
        if processed:
            recorder.advance(PLACE, "mapping", processed + 1)
        recorder.commit()

        recorder.expire_records(time.time() + age_s)
        recorder.commit()

    records = [(int(last), pickle.loads(data)) for _, last, data in journal.read("record")]
    assert [(last, len([record for record in found if record])) for last, found in records] == stored
    with mock_aws():
        stream, recorder = event_stream(), Recorder(journal, region=REGION, account=ACCOUNT)
        journal.put("position", PLACE, "mapping", str(processed + 1).encode())
        recorder.restore()
        shard = next(iter(stream.shards.values()))
        assert list(shard.records) == [number for number, count in stored if count]
        assert stream.put_record("bert", "", "")[0] == "4"


@pytest.mark.usefixtures("keeps_numbers")
def test_records_without_a_mapping_are_deleted_after_a_day(journal):
    with mock_aws():
        stream, recorder = event_stream(), restarted(journal)
        for _ in range(2):
            recorder.stream_record(stream, *reversed(stream.put_record("anna", "", "")))
        recorder.commit()

        recorder.expire_records(time.time() + DAY_S - 60)
        kept = list(next(iter(stream.shards.values())).records)
        recorder.expire_records(time.time() + DAY_S + 60)
        recorder.commit()

        assert kept == [1, 2]
        assert list(next(iter(stream.shards.values())).records) == []
    assert [(int(last), pickle.loads(data)) for _, last, data in journal.read("record")] == [(2, [{}])]


def test_table_stream_numbers_continue_after_an_expired_record(journal):
    journal.put("record", "dynamodb/things", f"{41:030d}", pickle.dumps([{}]))
    journal.commit()
    with mock_aws():
        create_table(REGION, stream="NEW_IMAGE", id="S")
        Recorder(journal, region=REGION, account=ACCOUNT).restore()
        shard: Any = dynamodb_backends[ACCOUNT][REGION].tables["things"].stream_shard

        assert (shard.starting_sequence_number, shard.items) == (42, [])
