"""Recto beside its peers: the pictures, the servers, the works and how they are measured. `peers.py` is the program."""
