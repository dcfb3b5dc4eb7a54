"""Turns a batch's answers into Parquet."""
