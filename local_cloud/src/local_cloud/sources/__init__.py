"""Event source mappings, which pass records of Kinesis, DynamoDB streams, SQS and Kafka to functions."""
