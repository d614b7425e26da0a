"""The way to the hosts of a running lab, outside of its network.

    learner ── client ── HOST.sock ── agent ── machine        one agent a host; `client` is all that needs NumPy

The sockets are Unix sockets with names in a directory that only the lab's own user may enter, so no scan of the
network can meet them.  How a host changes is its machine's business: each fidelity brings its own.
"""
