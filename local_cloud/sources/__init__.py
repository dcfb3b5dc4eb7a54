"""Event source mappings: Kinesis, DynamoDB streams and SQS on their way into functions."""
