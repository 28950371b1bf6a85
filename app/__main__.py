"""`python -m whichface.app`: the same as `whichface`, for torchrun."""

from .cli import main

main()
