"""Event source mappings: Kinesis, DynamoDB streams, SQS and Kafka on their way into functions."""
