"""Grants that several roles have, as pairs of action and resource."""

# Actions that Lambda itself takes in the name of a function that consumes the stream, independent of its code:
# https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html and .../kinesis-on-failure-destination.html
CONSUMER = {
    ("kinesis:DescribeStream", "Stream"),
    ("kinesis:DescribeStreamSummary", "Stream"),
    ("kinesis:GetRecords", "Stream"),
    ("kinesis:GetShardIterator", "Stream"),
    ("kinesis:ListShards", "Stream"),
    ("s3:PutObject", "Lake/*"),
    ("s3:ListBucket", "Lake"),
}
# ConfigurationReader: get_object; without the list S3 says 403, not NoSuchKey, of what is not there.
CONFIGURATION = {("s3:GetObject", "Artefacts/config/current.json"), ("s3:ListBucket", "Artefacts")}
# TombstoneReader: get_object, and NoSuchKey, not 403, before there is one; pseudonyms_of: get_secret_value.
TOMBSTONES = {
    ("s3:GetObject", "Artefacts/privacy/tombstones.json"),
    ("s3:ListBucket", "Artefacts"),
    ("secretsmanager:GetSecretValue", "HashKey"),
}
# KeyReader: get_item, update_item of the day of the last use, decrypt.
KEYS = {
    ("dynamodb:GetItem", "Keys"),
    ("dynamodb:UpdateItem", "Keys"),
    ("kms:Decrypt", "KeysEncryption"),
}
