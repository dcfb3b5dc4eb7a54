import json
from datetime import datetime, timedelta

import pytest

from foreign_cloud import eventually
from local_cloud.client import CloudError


def test_advanced_clock_fires_due_rules_in_order(cloud):
    before = len(cloud.deliveries(cloud.output("HourlyFunction")))

    fired = cloud.cloud.advance(timedelta(hours=24))

    due = [datetime.fromisoformat(firing["due"]) for firing in fired]
    names = [firing["name"] for firing in fired]
    assert due == sorted(due)
    assert names.count(cloud.output("HourlyRule")) == 24
    assert sum("Every2Hours" in name for name in names) == 12
    assert sum("NightlyRule" in name for name in names) == 1
    nightly = next(moment for moment, name in zip(due, names, strict=True) if "NightlyRule" in name)
    assert (nightly.hour, nightly.minute) == (3, 30)
    hourly = cloud.output("HourlyFunction")
    eventually(lambda: len(cloud.deliveries(hourly)) == before + 24)
    event = cloud.deliveries(hourly)[-1]
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    mail = cloud.messages("Mailbox", matches=lambda message: True)
    assert json.loads(mail["Body"]) == {"from": "scheduler"}

    def nightly_jobs():
        notified = [event["Records"][0]["Sns"] for event in cloud.deliveries(cloud.output("NotifiedFunction"))]
        return [sns for sns in notified if sns["Message"] == json.dumps({"job": "nightly"})]

    assert {sns["TopicArn"] for sns in eventually(nightly_jobs)} == {cloud.output("Topic")}


def test_disabled_rule_does_not_fire(cloud):
    rule = cloud.output("HourlyRule")
    cloud.client("events").disable_rule(Name=rule)

    fired = cloud.cloud.advance(timedelta(hours=1))

    assert rule not in [firing["name"] for firing in fired]
    cloud.client("events").enable_rule(Name=rule)
    assert rule in [firing["name"] for firing in cloud.cloud.advance(timedelta(hours=1))]


def test_clock_cannot_be_turned_back(cloud):
    with pytest.raises(CloudError, match="the duration is negative"):
        cloud.cloud.advance(timedelta(hours=-1))


def test_object_event_that_matches_a_rule_invokes_its_function_transformed(cloud):
    s3, bucket = cloud.client("s3"), cloud.output("Bucket")

    s3.put_object(Bucket=bucket, Key='uploads/a "quoted" name', Body=b"12345")
    s3.put_object(Bucket=bucket, Key="elsewhere/b", Body=b"1")
    s3.put_object(Bucket=bucket, Key="uploads/last", Body=b"1")

    uploaded = cloud.output("UploadedFunction")
    eventually(lambda: len(cloud.deliveries(uploaded)) == 2)
    events = sorted(cloud.deliveries(uploaded), key=lambda event: event["size"], reverse=True)
    assert events[0] == {"bucket": bucket, "note": 'object uploads/a "quoted" name came', "size": 5}
    assert events[1]["note"] == "object uploads/last came"


def test_rule_with_only_a_schedule_matches_no_event(cloud):
    cloud.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sale", "Detail": "{}"}])
    cloud.client("s3").put_object(Bucket=cloud.output("Bucket"), Key="uploads/again", Body=b"123")
    cloud.cloud.flush()

    uploaded = cloud.deliveries(cloud.output("UploadedFunction"))
    assert "object uploads/again came" in [event["note"] for event in uploaded]
    sources = {event["source"] for event in cloud.deliveries(cloud.output("HourlyFunction"))}
    assert sources <= {"aws.events"}  # Other tests advance the clock.


def test_topic_passes_message_and_attributes_to_its_function(cloud):
    cloud.client("sns").publish(
        TopicArn=cloud.output("Topic"),
        Message="hello",
        Subject="greeting",
        MessageAttributes={"lang": {"DataType": "String", "StringValue": "en"}},
    )

    def notification():
        for event in cloud.deliveries(cloud.output("NotifiedFunction")):
            sns = event["Records"][0]["Sns"]
            if sns["Message"] == "hello":
                return dict(sns)
        return None

    sns = eventually(notification) or {}
    assert sns["Subject"] == "greeting"
    assert sns["MessageAttributes"] == {"lang": {"Type": "String", "Value": "en"}}
