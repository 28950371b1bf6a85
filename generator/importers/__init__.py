"""Generators that others trained and published, brought into the form that this package draws with."""
