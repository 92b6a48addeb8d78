"""Attribution: what a picture says of itself comes first, and nobody's address comes out."""

import json

import pyarrow as pa
import pytest

from schemas.samples import SAMPLE, Samples
from tests.images.side_data import photo, saved, segment, with_segments
from transforms.attribution import MOST_CHARACTERS, attribution

KINDS = ("email", "phone")
HEADER = b"http://ns.adobe.com/xap/1.0/\0"
SPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" '
    'xmlns:p="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:cc="http://creativecommons.org/ns#" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
)
FULL = """<dc:creator><rdf:Seq><rdf:li>Jo Example</rdf:li><rdf:li>Max Muster</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="de">Alle Rechte</rdf:li>
<rdf:li xml:lang="x-default">(c) 2024 Jo, jo@example.org</rdf:li></rdf:Alt></dc:rights>
<photoshop:Credit>Agency / Jo</photoshop:Credit>
<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">Call +44 7700 900123 first</rdf:li></rdf:Alt></xmpRights:UsageTerms>
<p:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><p:LicensorName>Agency</p:LicensorName>
<p:LicensorURL>https://agency.example/buy</p:LicensorURL></rdf:li></rdf:Seq></p:Licensor>
<cc:license rdf:resource="http://creativecommons.org/licenses/by-nc/4.0/"/>
<xmpMM:Pantry><rdf:Bag><rdf:li rdf:parseType="Resource"><dc:creator><rdf:Seq><rdf:li>Somebody Else</rdf:li></rdf:Seq></dc:creator></rdf:li>
</rdf:Bag></xmpMM:Pantry>"""


def packet(inside: str = "", attributes: str = "") -> bytes:
    return f'<rdf:RDF {SPACES}><rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description></rdf:RDF>'.encode()


def jpeg(xmp: bytes | None = None, iptc: dict[int, bytes] | None = None, **exif: str) -> bytes:
    """A picture with these texts in XMP, IPTC record 2, and EXIF (artist, copyright)."""
    image = photo()
    block = image.getexif()
    for name, text in exif.items():
        block[{"artist": 0x013B, "copyright": 0x8298}[name]] = text
    parts = [] if xmp is None else [segment(0xE1, HEADER + xmp)]
    if iptc:
        data = b"".join(b"\x1c\2" + bytes([name]) + len(text).to_bytes(2, "big") + text for name, text in iptc.items())
        body = b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) & 1)
        parts.append(segment(0xED, b"Photoshop 3.0\0" + body))
    return with_segments(saved(image, "JPEG", exif=block), *parts)


def told(raw: bytes | None, url: str | None = None, **columns: object) -> dict[str, str | None]:
    """The attribution of one row, by its picture, its URL and columns that play the role they are called by."""
    core = {"row": 0, "disallowed": False, "extra": [], "flags": [], "image": raw, "url": url}
    source = pa.RecordBatch.from_pylist([columns]) if columns else pa.RecordBatch.from_pylist([{"nothing": 1}])
    samples = Samples(pa.RecordBatch.from_pylist([core], SAMPLE), source, {name: name for name in columns})
    return {name: column.to_pylist()[0] for name, column in attribution(samples, KINDS).items()}


def test_everything_an_xmp_packet_says_is_found_and_addresses_in_it_are_written_over():
    assert told(jpeg(packet(FULL))) == {
        "creator": "Jo Example; Max Muster", "credit": "Agency / Jo", "licence": "CC-BY-NC-4.0",
        "licensor": "Agency, https://agency.example/buy", "rights": "(c) 2024 Jo, <EMAIL>; Call <PHONE> first",
    }  # fmt: skip


def test_attributes_say_the_same_as_elements():
    found = told(jpeg(packet(attributes='photoshop:Credit="A" xmpRights:WebStatement="https://creativecommons.org/licenses/by-sa/3.0/"')))
    assert (found["credit"], found["licence"], found["rights"]) == ("A", "CC-BY-SA-3.0", "https://creativecommons.org/licenses/by-sa/3.0/")


def test_iptc_and_exif_are_read_where_xmp_is_silent_and_in_either_charset():
    found = told(
        jpeg(iptc={80: "Zoë".encode("latin-1"), 110: "Stüdio".encode(), 116: b"(c) Studio"}, artist="Another", copyright="(c) Camera")
    )
    assert (found["creator"], found["credit"], found["rights"]) == ("Zoë", "Stüdio", "(c) Studio; (c) Camera")


def test_an_artist_with_an_address_keeps_the_name():
    assert told(jpeg(artist="Jo Example, jo@example.org"))["creator"] == "Jo Example, <EMAIL>"


def test_a_plus_image_creator_is_a_creator():
    inside = '<p:ImageCreator><rdf:Seq><rdf:li p:ImageCreatorName="Jo" p:ImageCreatorID="7"/></rdf:Seq></p:ImageCreator>'
    assert told(jpeg(packet(inside)))["creator"] == "Jo"


def test_columns_are_asked_where_the_picture_is_silent():
    declared = {"creator": ["Ann", "Ben"], "licence": "Attribution License"}
    assert told(jpeg(), **declared)["creator"] == "Ann; Ben"
    assert told(None, **declared)["licence"] == "LicenseRef-CC-BY"
    assert told(jpeg(artist="Cy"), **declared)["creator"] == "Cy"


@pytest.mark.parametrize(("number", "name"), [(4, "CC-BY-2.0"), ("9", "CC0-1.0"), (0, None), ("", None), (77, None)])
def test_a_number_is_a_licence_on_flickr_alone(number, name):
    """COCO and YFCC100M tell licences by Flickr's numbers."""
    assert told(None, "https://farm4.staticflickr.com/1/2_b.jpg", license=number)["licence"] == name
    assert told(None, "https://flickr.example/1.jpg", license=number)["licence"] in (None, str(number))


def test_a_licence_without_an_identifier_stays_as_it_is_and_a_notice_is_none():
    assert told(None, licence="Editorial use only, mail sales@example.org")["licence"] == "Editorial use only, mail <EMAIL>"
    assert told(jpeg(copyright="All rights reserved"))["licence"] is None


def test_the_exif_column_of_a_downloader_speaks_for_a_picture_that_was_encoded_again():
    text = json.dumps({"Image Artist": "Jo", "Image Copyright": "(c) Jo, CC BY 4.0", "GPS GPSLatitude": "[48, 51, 29]"})
    found = told(jpeg(), exif=text)
    assert (found["creator"], found["licence"], found["rights"]) == ("Jo", "CC-BY-4.0", "(c) Jo, CC BY 4.0")


@pytest.mark.parametrize("raw", [None, b"", b"no picture", jpeg(), jpeg(b"<broken"), jpeg(artist="unknown", copyright=" \0 ")])
def test_what_says_nothing_is_null(raw):
    assert set(told(raw, exif="[" * 5_000, creator="  ", licence="N/A").values()) == {None}


def test_texts_are_bounded_tidy_and_without_a_position():
    found = told(jpeg(packet(f"<photoshop:Credit>{'x' * 50_000}</photoshop:Credit>")), creator="A\u202e\tB\ud800"[:4])
    assert (len(found["credit"]), found["creator"]) == (MOST_CHARACTERS, "A B")
    assert told(jpeg(copyright="taken at GPS 48.8581, 2.2945"))["rights"] is None
