"""Data API of the shop. Interactions are written to the stream, items and users to tables, actions to S3."""
