"""Check of the event source mapping that reads the Kafka topic."""
