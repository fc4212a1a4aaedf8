"""Bytes in, values or bytes out: Pillow and PyNaCl live here."""
