"""CloudFront distributions on separate ports, in front of buckets and HTTP APIs."""
