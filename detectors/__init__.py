"""Pixels and evidence to score to verdict."""
