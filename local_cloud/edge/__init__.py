"""CloudFront: distributions on ports of their own, in front of buckets and HTTP APIs."""
