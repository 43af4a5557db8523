"""The two directions, picture to file and file to picture."""
