"""Equations 3-5 and Algorithm 1."""
