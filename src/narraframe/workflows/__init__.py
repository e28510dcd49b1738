"""One file per command: read, compute, write. The command line calls one of them and no more."""
