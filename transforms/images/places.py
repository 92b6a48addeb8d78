"""The squares in the corners of a picture that `transforms.images.corners` looks at, by number and in words."""

from typing import Final

CORNERS: Final = ("top left", "top right", "bottom left", "bottom right")
SIZES: Final = ("16 pixels", "32 pixels", "a sixteenth of the shorter side", "an eighth of the shorter side")
PLACES: Final = len(SIZES) * len(CORNERS)  # place = size * 4 + corner


def place_name(place: int) -> str:
    """A place in words.

    >>> place_name(7)
    'bottom right, 32 pixels'
    """
    return f"{CORNERS[place % len(CORNERS)]}, {SIZES[place // len(CORNERS)]}"
