"""The parts of a scan: sources, workers, store."""
