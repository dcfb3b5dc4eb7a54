"""A cloud with data on disk, killed at random moments: no acknowledged write is lost."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from foreign_cloud import ForeignCloud, eventually
from local_cloud.client import Cloud, CloudError

KILLS = int(os.environ.get("CLOUD_KILLS", "10"))
KEYS = 40
_SEED = 20_261_128


@dataclass
class Store:
    """Store of the cloud, with the values that the test wrote. None means a deletion.

    `acknowledged` contains the values of successful calls, and `open` the values of calls without a response.
    """

    add: Callable[[ForeignCloud, str, str], None]
    read: Callable[[ForeignCloud], dict[str, str]]
    remove: Callable[[ForeignCloud, str], None] | None = None
    acknowledged: dict[str, str | None] = field(default_factory=dict)
    open: dict[str, list[str | None]] = field(default_factory=dict)

    def write(self, cloud, key, value):
        self.open.setdefault(key, []).append(value)
        if value is None:
            assert self.remove
            self.remove(cloud, key)
        else:
            self.add(cloud, key, value)
        self.acknowledged[key] = value
        del self.open[key]

    def check(self, cloud):
        """Compare the stored with the written values. Calls without a response may have succeeded or failed."""
        stored = self.read(cloud)
        for key in self.acknowledged.keys() | stored.keys() | self.open.keys():
            assert stored.get(key) in [self.acknowledged.get(key), *self.open.get(key, [])], key
            self.acknowledged[key] = stored.get(key)
        self.open.clear()


def key_of(key):
    return {"consumer": {"S": "kept"}, "delivery": {"S": key}}


def items():
    def scan(cloud):
        pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.output("Deliveries"))
        found = [item for page in pages for item in page["Items"] if item["consumer"]["S"] == "kept"]
        return {item["delivery"]["S"]: item["content"]["S"] for item in found}

    def put(cloud, key, value):
        table, name = cloud.client("dynamodb"), cloud.output("Deliveries")
        item = {**key_of(key), "content": {"S": value}}
        match int(value) % 4:
            case 0:
                table.put_item(TableName=name, Item=item)
            case 1:
                table.update_item(
                    TableName=name,
                    Key=key_of(key),
                    UpdateExpression="SET content = :content",
                    ExpressionAttributeValues={":content": {"S": value}},
                )
            case 2:
                table.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}}]})
            case _:
                table.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": item}}])

    def delete(cloud, key):
        cloud.client("dynamodb").delete_item(TableName=cloud.output("Deliveries"), Key=key_of(key))

    return Store(put, scan, delete)


def objects():
    def read(cloud):
        s3, bucket = cloud.client("s3"), cloud.output("Bucket")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="kept/").get("Contents", [])
        stored = {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"]) for entry in listed}
        values = {key: (answer["Body"].read().decode(), answer["Metadata"]["value"]) for key, answer in stored.items()}
        assert all(body == value * 1_000 for body, value in values.values())
        return {key.removeprefix("kept/"): value for key, (_, value) in values.items()}

    def put(cloud, key, value):
        cloud.client("s3").put_object(
            Bucket=cloud.output("Bucket"), Key=f"kept/{key}", Body=(value * 1_000).encode(), Metadata={"value": value}
        )

    def delete(cloud, key):
        cloud.client("s3").delete_object(Bucket=cloud.output("Bucket"), Key=f"kept/{key}")

    return Store(put, read, delete)


def parameters():
    def read(cloud):
        pages = cloud.client("ssm").get_paginator("get_parameters_by_path").paginate(Path="/kept")
        found = [parameter for page in pages for parameter in page["Parameters"]]
        return {parameter["Name"].removeprefix("/kept/"): parameter["Value"] for parameter in found}

    def put(cloud, key, value):
        cloud.client("ssm").put_parameter(Name=f"/kept/{key}", Value=value, Type="String", Overwrite=True)

    def delete(cloud, key):
        cloud.client("ssm").delete_parameter(Name=f"/kept/{key}")

    return Store(put, read, delete)


@dataclass
class Records:
    """Acknowledged records of streams. Each must reach its consumer at least once."""

    orders: set[str] = field(default_factory=set)
    stock: set[str] = field(default_factory=set)

    def write(self, cloud, name):
        data = json.dumps({"id": name}).encode()
        cloud.client("kinesis").put_record(StreamName=cloud.output("Orders"), Data=data, PartitionKey=name)
        self.orders.add(name)
        counts = [f"{name}-{number}" for number in range(3)]
        puts = [{"PutRequest": {"Item": {"item": {"S": count}, "count": {"S": count}}}} for count in counts]
        cloud.client("dynamodb").batch_write_item(RequestItems={cloud.output("Stock"): puts[1:]})
        cloud.client("dynamodb").put_item(TableName=cloud.output("Stock"), **puts[0]["PutRequest"])
        self.stock.update(counts)

    def check(self, cloud):
        def missing():
            orders = {name for batch in cloud.deliveries("orders") for name in batch["ids"]}
            stock = {count["S"] for counts in cloud.deliveries("stock") for count in counts}
            return (self.orders - orders) | (self.stock - stock)

        eventually(lambda: not missing())


def write_until_killed(cloud, stores, records, rng):
    """Write to each store and to the streams, with a thread each, and kill the cloud.

    The cloud is killed a random time after each store and the streams have acknowledged a write.
    """
    killed = threading.Event()

    def write(step, seed):
        own, number = random.Random(seed), int(time.time() * 1_000)
        while not killed.is_set():
            try:
                step(number, own)
            except (BotoCoreError, ClientError):
                assert killed.wait(60)
            number += 1

    def into(store):
        def step(number, own):
            key = f"key-{own.randrange(KEYS)}"
            removes = store.acknowledged.get(key) is not None and own.random() < 0.2
            store.write(cloud, key, None if removes else str(number))

        return step

    steps = [*map(into, stores), lambda number, own: records.write(cloud, f"record-{number}")]
    threads = [threading.Thread(target=write, args=(step, rng.randrange(2**32))) for step in steps]
    for thread in threads:
        thread.start()
    eventually(lambda: records.stock and all(store.acknowledged for store in stores))
    time.sleep(rng.uniform(0.1, 1.5))
    os.kill(cloud.cloud.state.pid, signal.SIGKILL)
    killed.set()
    for thread in threads:
        thread.join()
    cloud.cloud.stop()


def test_killed_cloud_keeps_every_acknowledged_write(assembly, tmp_path):
    rng = random.Random(_SEED)
    stores, records, data = [items(), objects(), parameters()], Records(), tmp_path / "data"
    addresses = set()
    for _ in range(KILLS):
        cloud = ForeignCloud(Cloud.start(assembly, data=data))
        for store in stores:
            store.check(cloud)
        write_until_killed(cloud, stores, records, rng)
        addresses.add((cloud.cloud.endpoint, cloud.cloud.api_url))

    with Cloud.start(assembly, data=data) as running:
        cloud = ForeignCloud(running)
        for store in stores:
            assert store.acknowledged
            store.check(cloud)
        assert records.orders
        assert records.stock
        records.check(cloud)
        addresses.add((running.endpoint, running.api_url))
    assert len(addresses) == 1


def with_another_parameter(assembly, directory):
    for file in assembly.iterdir():
        (directory / file.name).symlink_to(file)
    template_file = directory / "Foreign.template.json"
    template = json.loads(template_file.read_text())
    new = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/new", "Type": "String", "Value": "of the template"}}
    template["Resources"] = {"ANew": new, **template["Resources"]}
    template_file.unlink()
    template_file.write_text(json.dumps(template))
    return directory


def history(cloud, execution):
    states = cloud.client("stepfunctions")
    ended = states.describe_execution(executionArn=execution)["status"] != "RUNNING"
    return ended and states.get_execution_history(executionArn=execution)["events"]


def test_changed_template_is_deployed_onto_existing_data(assembly, tmp_path, tmp_path_factory):
    store = items()
    with Cloud.start(assembly, data=tmp_path) as running:
        cloud, outputs = ForeignCloud(running), dict(running.outputs["Foreign"])
        with pytest.raises(CloudError, match=f"{tmp_path} belongs to another cloud that runs"):
            Cloud.start(assembly, data=tmp_path)
        store.write(cloud, "key", "1")
        execution = cloud.client("stepfunctions").start_execution(
            stateMachineArn=cloud.output("Machine"), input=json.dumps({"value": 1})
        )["executionArn"]
        before = eventually(lambda: history(cloud, execution))

    changed = with_another_parameter(assembly, tmp_path_factory.mktemp("changed"))
    with Cloud.start(changed, data=tmp_path) as running:
        restarted = ForeignCloud(running)
        store.check(restarted)
        assert store.acknowledged == {"key": "1"}
        assert history(restarted, execution) == before
        assert restarted.client("ssm").get_parameter(Name="/new")["Parameter"]["Value"] == "of the template"
        assert running.outputs["Foreign"] == outputs
