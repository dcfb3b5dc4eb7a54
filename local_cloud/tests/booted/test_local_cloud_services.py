import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError


def test_concurrent_records_are_all_stored(cloud):
    kinesis, name = cloud.client("kinesis"), f"crowded-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)

    def put(number):
        answer = kinesis.put_record(StreamName=name, Data=str(number).encode(), PartitionKey="k")
        return str(answer["SequenceNumber"])

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(put, range(80)))

    (shard,) = kinesis.list_shards(StreamName=name)["Shards"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    first = kinesis.get_records(ShardIterator=iterator, Limit=50)
    second = kinesis.get_records(ShardIterator=first["NextShardIterator"], Limit=50)
    records = [*first["Records"], *second["Records"]]
    assert len(set(numbers)) == 80
    assert (len(first["Records"]), len(second["Records"])) == (50, 30)
    assert sorted(int(record["Data"]) for record in records) == list(range(80))


def test_only_one_of_several_conditional_writes_succeeds(cloud):
    dynamodb, key = cloud.client("dynamodb"), {"item": {"S": f"raced-{uuid.uuid4()}"}}
    table = cloud.output("Stock")

    def write(number):
        try:
            dynamodb.put_item(
                TableName=table,
                Item={**key, "count": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(#i)",
                ExpressionAttributeNames={"#i": "item"},
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "written"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(write, range(24)))

    assert outcomes == {"written": 1, "ConditionalCheckFailedException": 23}


def test_query_reads_only_its_partition_in_both_directions(cloud):
    dynamodb, table, consumer = cloud.client("dynamodb"), cloud.output("Deliveries"), f"query-{uuid.uuid4()}"
    for name in (consumer, f"{consumer}-other"):
        for number in range(3):
            item = {"consumer": {"S": name}, "delivery": {"S": str(number)}}
            dynamodb.put_item(TableName=table, Item=item)

    def query(**options):
        answer = dynamodb.query(
            TableName=table,
            KeyConditionExpression="consumer = :c",
            ExpressionAttributeValues={":c": {"S": consumer}},
            **options,
        )
        return [item["delivery"]["S"] for item in answer["Items"]]

    assert query() == ["0", "1", "2"]
    assert query(ScanIndexForward=False, Limit=2) == ["2", "1"]


def test_executions_without_a_name_have_unique_arns(cloud):
    sfn = cloud.client("stepfunctions")
    machine = sfn.create_state_machine(
        name=f"pass-{uuid.uuid4().hex[:8]}",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]

    arns = {sfn.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(3)}

    assert len(arns) == 3
