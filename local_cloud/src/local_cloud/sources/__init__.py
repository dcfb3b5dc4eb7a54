"""Event source mappings: they pass records of Kinesis, DynamoDB streams, SQS and Kafka to functions."""
