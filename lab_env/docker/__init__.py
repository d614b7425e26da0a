"""The Docker lab: the network of `topology.py` in containers, with the real server programs.

On the computer: `compose` writes compose.yaml, `engine` and `session` bring the lab up and down.
In the containers: `host` is the first program of a lab host, `student` that of the workstation.
"""
