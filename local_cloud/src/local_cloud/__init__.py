"""Embedded cloud, which deploys a CDK cloud assembly on this machine and runs it."""
