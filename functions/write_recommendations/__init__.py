"""The conversion of a batch's answers into Parquet."""
