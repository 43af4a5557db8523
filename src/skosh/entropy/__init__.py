"""Entropy coding: symbols to words and back, by integer frequency tables alone."""
