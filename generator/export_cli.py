"""Export a snapshot: `python -m whichface.generator.export_cli SNAPSHOT -o FOLDER --about about.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .export import export


def main() -> None:
    """Command line; about.json holds what the card says of data, figures and licence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--about", type=Path, required=True)
    args = parser.parse_args()
    export(args.snapshot, args.output, json.loads(args.about.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
