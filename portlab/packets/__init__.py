"""Packets as tables: headers (`headers`), filling them (`craft`), reading them (`dissect`), checksums,
capture files.
"""
