"""Whole captures: live or from a file, and the scans that are in them."""
