"""Consumer of a Kafka topic. Records are sent to the event stream, and invalid records to quarantine."""
