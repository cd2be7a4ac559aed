"""What runs around a script: the importer of the standard library and the harness."""
