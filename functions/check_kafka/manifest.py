from alsolike.declarations.manifest import Access, Manifest, Schedule

MANIFEST = Manifest(
    description="Fails while Lambda does not read the Kafka topic",
    memory_mb=256,
    timeout_s=30,
    trigger=Schedule(
        setting="kafka_check_schedule", purpose="check that Lambda reads the Kafka topic", retries=0, max_age_minutes=5
    ),
    access=(Access("kafka_mapping", ("lambda:GetEventSourceMapping",)),),
)
