"""Labelled corpora of real and generated faces, both through one codec and size chain."""
