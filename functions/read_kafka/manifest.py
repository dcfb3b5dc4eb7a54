from alsolike.declarations.manifest import CONFIGURATION, TOMBSTONES, WRITE, Access, KafkaTopic, Manifest, below
from alsolike.declarations.storage import QUARANTINE_PREFIX

MANIFEST = Manifest(
    description="Puts the events of a Kafka topic on the stream, and invalid records in quarantine",
    memory_mb=512,
    timeout_s=60,
    reserved="reserved_consumers",
    trigger=KafkaTopic(batch_size=200, window_s=1),
    access=(
        *TOMBSTONES,
        *CONFIGURATION,
        Access("stream", ("kinesis:PutRecords",)),
        below("lake", WRITE, QUARANTINE_PREFIX),
    ),
)
