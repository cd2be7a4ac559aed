"""The Python part of the guest: the importer of the standard library and the harness of scripts."""
