"""Requests for recommendations, batches and previews."""
