"""Many files: plan which input becomes which output, and run the jobs."""
