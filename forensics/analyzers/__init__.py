"""Cues of generated faces, one a file (none registered yet)."""
