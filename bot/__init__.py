"""Naibot: everything that is not Discord."""
