"""Which lab this process is in, read from the descriptor that the lab's runner wrote.

One environment variable, PORTLAB_LAB, names one JSON file:

    {"fidelity": "embedded",                              "simulated", "embedded" or "docker"
     "networks": {"office": "10.77.1.0/24", ...},         what is in scope inside the lab
     "hosts": {"web": ["10.77.2.10"], ...},               names; the first address is the one a name means
     "self": "student",                                   the host this process is on
     "wire": "portlab.wire.raw:RawWire",                  what opens the wire: module:callable, called with the Lab
     "netns": 4026532345,                                 inode of the lab's network namespace; null: simulated
     "control": "/run/portlab/control.sock",              the lab's control socket, or null
     "recordings": "/run/portlab/recordings"}             where recordings lie, or null

The network namespace must be the process's own, or the scope stays shut: a stale variable on the host opens nothing.
"""
