"""Data that can be rebuilt from the lake: profiles, catalogue, users, snapshot and dataset."""
