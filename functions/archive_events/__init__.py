"""The slow path: interactions from the stream into the lake, unreadable records into quarantine."""
