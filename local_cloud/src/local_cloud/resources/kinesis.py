"""Kinesis data streams."""

from local_cloud.resources.resource_type import Created, Creation, creates

_DEFAULT_RETENTION_HOURS = 24


@creates("AWS::Kinesis::Stream")
def _create_stream(creation: Creation) -> Created:
    properties, kinesis = creation.properties, creation.clients("kinesis")
    name = creation.name("Name", limit=128)
    kinesis.create_stream(
        StreamName=name,
        StreamModeDetails=properties.get("StreamModeDetails", {"StreamMode": "PROVISIONED"}),
        **properties.take("ShardCount"),
    )
    retention_hours = properties.get("RetentionPeriodHours", _DEFAULT_RETENTION_HOURS)
    if retention_hours > _DEFAULT_RETENTION_HOURS:
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=retention_hours)
    if encryption := properties.get("StreamEncryption"):
        kinesis.start_stream_encryption(StreamName=name, **encryption)
    if metrics := properties.get("DesiredShardLevelMetrics"):
        kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=metrics)
    if tags := creation.tag_map():
        kinesis.add_tags_to_stream(StreamName=name, Tags=tags)
    return Created(name, {"Arn": creation.arn("kinesis", f"stream/{name}")})
