"""What the learner does: predict, check, repeat, and steer scans.

This room imports no wire and no scan: whoever makes a widget hands it the functions that it calls.
"""
