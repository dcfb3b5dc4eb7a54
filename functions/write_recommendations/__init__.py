"""Conversion of a batch's recommendations to Parquet."""
