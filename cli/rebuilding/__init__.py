"""What the lake can give back: profiles, catalogue, users, snapshot and dataset."""
