"""Many files: which input becomes which output, and who does the work."""
