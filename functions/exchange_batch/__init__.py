"""Files of batch inference and segment jobs of Amazon Personalize, in the caller's buckets."""
