"""Bulk import of Personalize's data files: CSV, CSV.gz and Parquet, checked column by column."""
