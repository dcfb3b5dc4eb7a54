import itertools
import json
from collections import Counter

from foreign_cloud import eventually


def send(cloud, *bodies):
    entries = [{"Id": str(position), "MessageBody": body} for position, body in enumerate(bodies)]
    cloud.client("sqs").send_message_batch(QueueUrl=cloud.output("Work"), Entries=entries)


def put(cloud, stream, records, *, key="k"):
    cloud.client("kinesis").put_records(
        StreamName=cloud.output(stream),
        Records=[{"Data": json.dumps(record).encode(), "PartitionKey": record.get("key", key)} for record in records],
    )


def deliveries_of(batches, prefix):
    return Counter(item for batch in batches for item in batch if item.startswith(prefix))


def test_failed_message_is_redelivered_and_dead_lettered_individually(cloud):
    send(cloud, "good 1", "fail 1", "good 2")

    letter = cloud.messages("Letters", matches=lambda message: message["Body"] == "fail 1")
    counts = deliveries_of(cloud.deliveries("queue"), "")
    assert letter["Body"] == "fail 1"
    assert counts["good 1"] == counts["good 2"] == 1
    assert counts["fail 1"] == 2  # maxReceiveCount


def test_exception_redelivers_the_complete_message_batch(cloud):
    send(cloud, "explode", "innocent")

    cloud.messages("Letters", matches=lambda message: message["Body"] == "explode")
    first = next(batch for batch in cloud.deliveries("queue") if "explode" in batch)
    # A poll between the two arrivals receives only one message. In a separate batch, "innocent" succeeds.
    expected = 2 if "innocent" in first else 1
    eventually(lambda: deliveries_of(cloud.deliveries("queue"), "")["innocent"] == expected)
    assert deliveries_of(cloud.deliveries("queue"), "")["explode"] == 2


def test_message_refused_by_the_filter_is_deleted(cloud):
    send(cloud, "ignored", "seen after ignored")

    eventually(lambda: "seen after ignored" in deliveries_of(cloud.deliveries("queue"), ""))
    assert "ignored" not in deliveries_of(cloud.deliveries("queue"), "")

    def left():
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=cloud.output("Work"), AttributeNames=["All"])
        return str(attributes["Attributes"]["ApproximateNumberOfMessages"])

    eventually(lambda: left() == "0")


def test_poison_record_is_isolated_by_bisection_and_stored_in_s3(cloud):
    ids = [f"bisect-{number}" for number in range(8)]
    put(cloud, "Orders", [{"id": name, "poison": name == "bisect-5"} for name in ids])
    s3, bucket = cloud.client("s3"), cloud.output("Bucket")

    def batches():
        return [each["ids"] for each in cloud.deliveries("orders") if each["ids"][0].startswith("bisect-")]

    entry = eventually(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="aws/lambda/").get("Contents"))[0]
    eventually(lambda: len(batches()) >= 8)  # The failed record is stored before the last two succeed.

    counts = deliveries_of([delivery["ids"] for delivery in cloud.deliveries("orders")], "bisect-")
    # All 8 fail, 0-3 succeed, 4-7 fail, 4-5 fail, 4 succeeds, 5 fails twice and is discarded, and 6-7 succeed.
    assert [len(batch) for batch in batches()] == [8, 4, 4, 2, 1, 1, 1, 2]
    assert counts == {
        **dict.fromkeys(["bisect-0", "bisect-1", "bisect-2", "bisect-3"], 2),
        "bisect-4": 4,
        "bisect-5": 5,
        "bisect-6": 3,
        "bisect-7": 3,
    }
    record = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    mapping = entry["Key"].split("/")[2]
    name = "OnFailureDestinationDeliveredEventCount"
    assert eventually(lambda: cloud.metric_sum("AWS/Lambda", name, EventSourceMappingUUID=mapping)) == 1
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    (kept,) = json.loads(record["payload"])["Records"]
    assert kept["kinesis"]["sequenceNumber"] == record["KinesisBatchInfo"]["startSequenceNumber"]
    parts = entry["Key"].split("/")
    assert parts[:2] == ["aws", "lambda"]
    assert parts[3] == record["KinesisBatchInfo"]["shardId"]
    assert parts[7].startswith("-".join(parts[4:7]) + "T")


def test_records_of_a_shard_are_in_order_and_shards_run_in_parallel(cloud):
    records = [{"id": f"order-{number}", "key": f"customer {number % 7}"} for number in range(60)]
    put(cloud, "Orders", records)

    def all_delivered():
        return sum(deliveries_of([d["ids"] for d in cloud.deliveries("orders")], "order-").values()) == 60

    eventually(all_delivered)
    by_shard: dict[str, list[int]] = {}
    for delivery in cloud.deliveries("orders"):
        numbers = [int(name[6:]) for name in delivery["ids"] if name.startswith("order-")]
        by_shard.setdefault(delivery["shard"], []).extend(numbers)
    assert len(by_shard) == 2
    assert all(numbers == sorted(numbers) for numbers in by_shard.values())


def test_partial_response_retries_from_the_failed_record(cloud):
    put(cloud, "Clicks", [{"id": "p0"}, {"id": "p1"}, {"id": "p2", "poison": True}, {"id": "p3"}])

    letter = cloud.messages("Letters", matches=lambda message: "KinesisBatchInfo" in message["Body"])

    batches = [batch for batch in cloud.deliveries("clicks") if batch[0].startswith("p")]
    # The only retry starts at the failed record. After the retry, the failed record and the later records are discarded
    # together.
    assert batches == [["p0", "p1", "p2", "p3"], ["p2", "p3"]]
    record = json.loads(letter["Body"])
    assert record["KinesisBatchInfo"]["batchSize"] == 2
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert "payload" not in record


def test_batch_window_collects_records_up_to_the_batch_size(cloud):
    rounds = itertools.count()

    def collected():
        name = f"w{next(rounds)}"
        put(cloud, "Clicks", [{"id": f"{name}-{number}"} for number in range(12)])
        put(cloud, "Clicks", [{"id": f"{name}-12"}])  # On a busy machine, the window may end first.
        eventually(lambda: deliveries_of(cloud.deliveries("clicks"), name)[f"{name}-12"])
        return [len(batch) for batch in cloud.deliveries("clicks") if batch[0].startswith(name)] == [10, 3]

    eventually(collected)


def test_record_refused_by_the_filter_or_unreadable_is_skipped(cloud):
    kinesis, stream = cloud.client("kinesis"), cloud.output("Clicks")
    kinesis.put_record(StreamName=stream, Data=b"not JSON", PartitionKey="k")
    kinesis.put_record(StreamName=stream, Data=b'{"no": "id"}', PartitionKey="k")
    put(cloud, "Clicks", [{"id": "f1"}])

    eventually(lambda: deliveries_of(cloud.deliveries("clicks"), "f")["f1"])
    batches = [batch for batch in cloud.deliveries("clicks") if batch[0].startswith("f")]
    assert batches == [["f1"]]


def test_table_changes_are_delivered_to_their_consumer(cloud):
    for count in (1, 2):
        cloud.client("dynamodb").put_item(
            TableName=cloud.output("Stock"), Item={"item": {"S": "apple"}, "count": {"N": str(count)}}
        )

    eventually(lambda: sum(len(batch) for batch in cloud.deliveries("stock")) == 2)
    changes = [count for batch in cloud.deliveries("stock") for count in batch]
    assert changes == [{"N": "1"}, {"N": "2"}]


def test_disabled_mapping_pauses_until_it_is_enabled(cloud):
    client = cloud.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=cloud.output("StockConsumerFunction"))[
        "EventSourceMappings"
    ]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    before = len(cloud.deliveries("stock"))

    cloud.client("dynamodb").put_item(
        TableName=cloud.output("Stock"), Item={"item": {"S": "pear"}, "count": {"N": "9"}}
    )
    send(cloud, "seen while disabled")
    eventually(lambda: "seen while disabled" in deliveries_of(cloud.deliveries("queue"), ""))

    assert len(cloud.deliveries("stock")) == before
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    eventually(lambda: [{"N": "9"}] in cloud.deliveries("stock"))
