"""The configuration file: parsing, differences, versions."""
