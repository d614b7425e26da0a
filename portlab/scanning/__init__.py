"""The scans: when to ask again, what was sent and heard, the loop, and the public functions."""
