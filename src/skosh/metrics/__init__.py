"""Distances between pictures that training and evaluation share."""
