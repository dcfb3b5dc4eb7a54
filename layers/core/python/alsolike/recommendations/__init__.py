"""Requests for recommendations, batches, segments and previews."""
