"""Files of batch inference jobs of Amazon Personalize, in the caller's buckets."""
