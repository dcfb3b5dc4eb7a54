"""The embedded cloud: deploys a CDK cloud assembly on this machine and runs it."""
