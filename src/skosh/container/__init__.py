"""The bytes of a file: chunks, transparency, metadata, and what can be saved of a damaged one."""
