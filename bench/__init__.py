"""PortLab beside nmap and the physical floor: `./run bench`."""
