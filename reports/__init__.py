"""From verdict to people: terminal, JSON, overlay."""
