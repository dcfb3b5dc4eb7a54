"""Records that did not reach the lake, and their replay."""
