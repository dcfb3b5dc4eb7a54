"""Records of a Kafka topic onto the event stream, invalid ones into quarantine."""
