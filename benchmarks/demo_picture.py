"""Write scikit-image's astronaut, a NASA photograph in the public domain, as a JPEG: the demo's picture."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from skimage import data


def main(target: str) -> None:
    """Write the picture, 512 x 512, JPEG quality 92, to `target`."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(data.astronaut()).save(path, quality=92)
    print(f"wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:] or [".work/astronaut.jpg"])
