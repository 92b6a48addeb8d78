"""Agencies that sell pictures and show them with a mark across, by the names and hosts that say so.

Put together by hand from the agencies' names and the hosts that their previews come from; no other list was copied. It knows some large
ones, not all. Fields that name them: IPTC Photo Metadata Standard 2023.1 and PLUS (credit line, source, licensor, image supplier).
"""

import re
from typing import Final

# Registrable domain -> agency.
DOMAINS: Final = {
    "shutterstock.com": "Shutterstock", "gettyimages.com": "Getty Images", "istockphoto.com": "iStock", "alamy.com": "Alamy",
    "dreamstime.com": "Dreamstime", "123rf.com": "123RF", "depositphotos.com": "Depositphotos", "ftcdn.net": "Adobe Stock",
    "fotolia.com": "Adobe Stock", "bigstockphoto.com": "Bigstock", "agefotostock.com": "age fotostock",
    "canstockphoto.com": "Can Stock Photo", "vectorstock.com": "VectorStock", "featurepics.com": "FeaturePics",
    "superstock.com": "SuperStock", "masterfile.com": "Masterfile", "picfair.com": "Picfair", "pond5.com": "Pond5", "eyeem.com": "EyeEm",
    "stocksy.com": "Stocksy", "colourbox.com": "Colourbox", "panthermedia.net": "PantherMedia", "sciencephoto.com": "Science Photo Library",
    "bridgemanimages.com": "Bridgeman Images", "mauritius-images.com": "mauritius images",
}  # fmt: skip
# As captions have them, in normal form.
TERMS: Final = (
    "stock photo", "stock photography", "stock image", "stock picture", "stock vector", "stock illustration", "stock footage",
    "royalty-free", "royalty free", "shutterstock", "istock", "istockphoto", "getty images", "gettyimages", "alamy", "dreamstime",
    "depositphotos", "123rf", "adobe stock", "fotolia", "bigstock",
)  # fmt: skip

_NAMES: Final = re.compile(
    r"\b(shutterstock|getty ?images|istock(?:photo)?|alamy|dreamstime|123rf|depositphotos|adobe ?stock|fotolia|bigstock(?:photo)?"
    r"|age ?fotostock|can ?stock ?photo|vectorstock|superstock|masterfile|picfair|pond5|eyeem|stocksy|colourbox|panthermedia"
    r"|science photo library|bridgeman images|mauritius images)\b",
    re.IGNORECASE,
)


def agency_in(text: str) -> str | None:
    """The name of an agency in a credit line, a notice or an address, as it is written there, in lower case; None where there is none.

    >>> agency_in("Westend61 / Getty Images"), agency_in("https://www.istockphoto.com/legal"), agency_in("Jo Example, all rights reserved")
    ('getty images', 'istockphoto', None)
    """
    found = _NAMES.search(text)
    return found.group(1).casefold() if found else None
