import io
import json

import pytest
from PIL import Image
from pydantic import ValidationError

from tests.filters.conformance import batch_of, check_filter, findings, judged
from tests.images.side_data import exif, photo, saved, segment, with_segments, with_thumbnail
from transforms.filters.personal_data import PersonalData, withheld

CARD = "4111 1111 1111 1111"


def evidence(row, subject=None):
    subject = subject or PersonalData()
    batch = batch_of([row], subject)
    return {finding.word: json.loads(finding.details[0]) for finding in findings(subject, batch, subject.measure(batch)) if finding.details}


def picture(**exif):
    found = Image.Exif()
    found.get_ifd(0x8769).update(exif.get("exif", {}))
    found.get_ifd(0x8825).update(exif.get("gps", {}))
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, "JPEG", exif=found)
    return out.getvalue()


def test_keeps_addresses_and_phones_and_rejects_cards_ibans_and_social_security_numbers():
    check_filter(
        PersonalData(),
        keeps=[
            {"caption": "a red kite"},
            {"caption": None},
            {"caption": "write to jane.doe@example.org or call +44 7700 900123"},
            {"caption": "seen from 106.31.73.20"},
            {"caption": "ISBN 9780670019403, 1748503543012, 110bcd25-a55d-453a-8046-1297901ea002"},
            {"caption": "a red kite", "url": "https://img.example/jane@example.org/p.jpg", "exif": '{"GPS GPSLatitude": "[1, 2, 3]"}'},
            {"caption": "a red kite", "meta": {"by": "Jane", "tags": ["a", "jane@example.org"]}, "image": picture()},
        ],
        rejects=[
            {"caption": f"my card is {CARD}."},
            {"caption": "IBAN gb42nawi04454264788619"},
            {"caption": "SSN 514-69-0360"},
            {"caption": "a red kite", "meta": {"by": f"Jane ({CARD})", "tags": []}},
        ],
    )


def test_every_find_is_flagged_in_every_row_and_what_is_redacted_is_an_action():
    words = judged(PersonalData(), [{"caption": f"jane@example.org, +44 7700 900123, 106.31.73.20, {CARD}"}, {"caption": "a red kite"}])
    kinds = {"personal_data:email", "personal_data:phone", "personal_data:ip", "personal_data:card"}
    assert words == [{*kinds, "redacted:email", "redacted:phone", "personal_data"}, set()]


def test_evidence_tells_type_column_offset_and_length_and_never_the_text():
    row = {"caption": "\u00e9 jane&#64;example.org and jo@example.org", "note": {"deep": [f"x {CARD}"]}}
    found = evidence(row)
    more = [{"type": "email", "column": "caption", "offset": 27, "length": 14}]
    assert found["redacted:email"] == {"type": "email", "column": "caption", "offset": 2, "length": 20, "more": more}
    assert found["personal_data"] == {"type": "card", "column": "note.deep[0]", "offset": 2, "length": 19}
    assert row["caption"][2:22] == "jane&#64;example.org"
    assert "jane" not in json.dumps(found)


def test_personal_data_in_the_columns_beside_the_text_is_found():
    """A13: an address in the URL and in the key withholds them; a contact in a JSON column is redacted; a position is stripped."""
    row = {
        "caption": "a red kite over the harbour",
        "url": "https://img.example/u/jane.doe@example.org/p.jpg?to=jane.doe@example.org",
        "json": '{"author":"Jane","contact":"+44 7700 900123"}',
        "exif": '{"GPS GPSLatitude": "[48, 51, 29]"}',
    }
    [words] = judged(PersonalData(), [row])
    assert words == {"personal_data:email", "personal_data:phone", "redacted:phone", "stripped:gps", "url_withheld"}
    assert evidence(row)["redacted:phone"]["column"] == "json"


def test_a_key_that_holds_an_address_is_withheld():
    """A13: `jane.doe_at_example.org_0001`."""
    import pyarrow as pa

    batch = batch_of([{"caption": "a red kite"}])
    core = batch.samples.core.set_column(1, "key", pa.array(["jane.doe_at_example.org_0001"]))
    object.__setattr__(batch.samples, "core", core)
    [measured] = PersonalData().measure(batch).to_pylist()
    assert measured["key_withheld"]
    assert measured["spans"] == [{"column": "key", "kind": "email", "offset": 0, "length": 23, "identities": []}]


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("https://img.example/p.jpg?to=jane.doe%40example.org", True),
        ("http://x.example/%6ajo%40example%2Eorg", True),
        ("https://jane:secret@img.example.org/p.jpg", False),
        ("https://img.example/p@2x.png", False),
        ("https://img.example/4111111111111111/234-567-8901.jpg", False),
        ("https://img.example/p.jpg?phone=447700900123", True),
        ("https://img.example/p.jpg?ip=106.31.73.20", False),
    ],
)
def test_a_url_is_withheld_for_an_address_or_a_named_number_but_not_for_its_credentials_or_numbers(url, held):
    assert withheld(url) is held
    words = judged(PersonalData(), [{"url": url}])[0]
    assert ("url_withheld" in words) is held
    assert "personal_data" not in words


def test_every_kind_has_its_action_in_urls_file_names_and_exif_text_too():
    rows = [
        {"url": "https://img.example/p.jpg?card=4111111111111111"},
        {"file": "jo_ssn_514-69-0360.jpg"},
        {"exif": json.dumps({"Image ImageDescription": f"my card is {CARD}", "EXIF ImageUniqueID": "4111111111111111"})},
        {"exif": json.dumps({"EXIF UserComment": "call +44 7700 900123"})},
        {"exif": json.dumps({"EXIF ImageUniqueID": "4111111111111111"})},
        {"url": "https://img.example/p.jpg?ip=106.31.73.20"},
    ]
    assert judged(PersonalData(), rows) == [
        {"personal_data", "personal_data:card", "url_withheld"},
        {"personal_data", "personal_data:ssn"},
        {"personal_data", "personal_data:card"},
        {"personal_data:phone", "redacted:phone"},
        set(),
        {"personal_data:ip"},
    ]
    flagging = PersonalData(redact=[], reject=[], flag=["email", "phone", "card", "iban", "ssn", "ip"])
    assert judged(flagging, rows[:2]) == [{"personal_data:card", "url_withheld"}, {"personal_data:ssn"}]


def test_numbers_in_headers_and_digests_are_nobodys():
    headers = json.dumps({"ETag": "4111111111111111", "X-Contact": "jane@example.org", "x-timer": "555-234-5678"})
    row = {"caption": "a red kite", "http_headers": headers, "md5": "4111111111111111", "sha256": CARD}
    assert judged(PersonalData(), [row]) == [{"personal_data:email", "redacted:email"}]


def test_position_serial_number_and_owner_of_a_picture_are_stripped():
    """D08: whether they stand in the picture or only in the column beside it."""
    raw = picture(exif={0xA430: "Jo Example", 0xA431: "0012345"}, gps={1: "N", 2: (48.0, 51.0, 29.0)})
    exif = '{"GPS GPSLatitude": "[52, 31, 12]", "EXIF BodySerialNumber": "0012345", "EXIF CameraOwnerName": "Jo Example"}'
    rows = [{"image": raw}, {"exif": exif}, {"image": picture(), "exif": "{}"}]
    stripped = {"stripped:gps", "stripped:serial_number", "stripped:owner"}
    assert judged(PersonalData(), rows) == [stripped, stripped, set()]


def test_whatever_else_goes_out_of_a_picture_is_an_action_too():
    """D16: no picture is published with other bytes than were read, and nothing said of it."""
    plain = saved(photo(), "JPEG")
    blocks = with_thumbnail(exif(gps=False, serial=None).tobytes()[6:], plain), b"II*\0\xff\xff\xff\xff"
    thumbnail, broken = (with_segments(plain, segment(0xE1, b"Exif\0\0" + block)) for block in blocks)
    double = saved(photo(), "MPO", save_all=True, append_images=[photo()])
    words = judged(PersonalData(), [{"image": raw} for raw in (thumbnail, broken, double)])
    assert words == [{"stripped:thumbnail"}, {"stripped:unparsable"}, {"stripped:second_picture"}]


@pytest.mark.parametrize("exif", [b'{"GPS GPSLatitude": "[1, 2, 3]"}', {"GPS GPSLatitude": "[1, 2, 3]"}])
def test_exif_as_bytes_or_a_struct_is_read_like_text(exif):
    assert judged(PersonalData(), [{"exif": exif}, {"exif": None}]) == [{"stripped:gps"}, set()]


def test_another_choice_of_kinds_is_obeyed():
    subject = PersonalData(redact=["email", "card"], reject=["phone"], flag=["iban", "ssn", "ip"])
    words = judged(subject, [{"caption": CARD}, {"caption": "+44 7700 900123"}, {"caption": "SSN 514-69-0360"}])
    assert words == [
        {"personal_data:card", "redacted:card"},
        {"personal_data:phone", "personal_data"},
        {"personal_data:ssn"},
    ]


@pytest.mark.parametrize("options", [{"redact": ["email"]}, {"flag": ["ip", "email"]}, {"redact": ["email", "phone", "face"]}])
def test_a_kind_that_is_unknown_or_stands_nowhere_or_twice_is_refused(options):
    with pytest.raises(ValidationError, match=r"exactly one|no kind"):
        PersonalData(**options)


def test_rows_that_could_not_be_looked_at_are_rejected_unless_the_job_says_otherwise():
    assert PersonalData().on_missing == "reject"


def test_what_the_job_allows_is_no_find_and_the_list_can_change_without_measuring_again():
    """Wish 8."""
    row = {"caption": "write to info@museum.example", "note": '{"to": "jo@museum.example"}', "url": "https://a.example/info@museum.example"}
    batch = batch_of([row])
    measured = PersonalData().measure(batch)
    spans = [(span["column"], len(span["identities"])) for span in measured.to_pylist()[0]["spans"]]
    assert spans == [("caption", 3), ("url", 0), ("note", 3)]

    def told(**options):
        found = findings(PersonalData(**options), batch, measured)
        return {part.word: json.loads(part.details[0])["column"] for part in found if part.details}

    assert told() == {"personal_data:email": "caption", "redacted:email": "caption"}
    assert told(allow=["info@"]) == {"personal_data:email": "url", "redacted:email": "note"}
    assert told(allow=["@museum.example"]) == {"personal_data:email": "url"}
