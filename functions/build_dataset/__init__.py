"""Construction of the training dataset from deduplicated interactions in the lake."""
