"""Whole numbers become words of a stream, by integer frequency tables alone, and come back."""
