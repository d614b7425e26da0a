"""Packets as tables: headers (`headers`), filling (`craft`), reading (`dissect`), checksums, capture files."""
