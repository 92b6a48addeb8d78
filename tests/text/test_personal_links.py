import json

import pytest

from transforms.text.personal_data import CARD, IBAN, IP, KINDS, PHONE, SSN
from transforms.text.personal_links import find_in_link, is_link
from transforms.text.personal_values import find_in_value, kinds_of_exif, matches_in_value, redact_value


def found(link):
    return [(span.kind, link[span.start : span.end]) for span in find_in_link(link, KINDS)]


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("https://a.example/p.jpg?phone=%2B447700900123&w=200", [(PHONE, "%2B447700900123")]),
        ("https://a.example/p.jpg?w=200&user_phone=07700900123", [(PHONE, "07700900123")]),
        ("https://a.example/p.jpg?phoneNumber=(212)%20555-0142", [(PHONE, "(212)%20555-0142")]),
        ("https://api.whatsapp.example/send?phone=447700900123", [(PHONE, "447700900123")]),
        ("https://wa.me/447700900123", [(PHONE, "447700900123")]),
        ("tel:+44-7700-900123", [(PHONE, "+44-7700-900123")]),
        ("jane_tel_+447700900123.jpg", [(PHONE, "+447700900123")]),
        ("card_4111111111111111.jpg", [(CARD, "4111111111111111")]),
        ("https://a.example/?cc=4111-1111-1111-1111&ssn=514-69-0360", [(CARD, "4111-1111-1111-1111"), (SSN, "514-69-0360")]),
        ("https://a.example/?iban=GB82%20WEST%201234%205698%207654%2032", [(IBAN, "GB82%20WEST%201234%205698%207654%2032")]),
        ("scan-iban-GB82WEST12345698765432.png", [(IBAN, "GB82WEST12345698765432")]),
        ("https://a.example/log?client_ip=106.31.73.20", [(IP, "106.31.73.20")]),
        ("https://a.example/log?ip=2606%3A4700%3A4700%3A%3A1111", [(IP, "2606%3A4700%3A4700%3A%3A1111")]),
    ],
)
def test_a_number_that_a_word_names_is_found_in_urls_and_file_names(link, wanted):
    """A13."""
    assert found(link) == wanted


@pytest.mark.parametrize(
    "link",
    [
        "https://a.example/4111111111111111/234-567-8901.jpg",
        "https://shop.example/phones/7700900123/mobile/447700900123.jpg",
        "https://shop.example/card/1747-9192-2056-7223",
        "https://shop.example/card/4111111111111112.jpg?ssn=000-12-3456",
        "https://a.example/110bcd25-a55d-453a-8046-1297901ea002.png?t=1748503543012",
        "https://hotel.example/hotel/447700900123?page=12345678901",
        "https://a.example/?phone=2019-04-07&tel=123&ip=192.168.0.1&iban=GB82WEST12345698765433",
        "http://106.31.73.20/p.jpg",
        "IMG_20190407_101500.jpg", "WhatsApp Image 2019-04-07 at 10.15.00.jpeg", "iphone-12-1234567890.jpg", "9780670019403.jpg", "",
    ],
)  # fmt: skip
def test_identifiers_in_urls_and_file_names_are_nobodys(link):
    """A14."""
    assert found(link) == []


@pytest.mark.parametrize(
    "link", ["tel" * 20_000 + "1" * 20_000, "phone=" * 20_000, "card_" + "1 " * 40_000, "ip=" + "1:" * 40_000, "iban=" * 9_000]
)
def test_long_links_take_no_long_time(link):
    found(link)


def test_links_in_columns_are_read_as_links_and_words_as_words():
    value = {"page": "https://a.example/4111111111111111?tel=447700900123", "text": "card 4111111111111111", "file": "4111111111111111.jpg"}
    assert [(path, span.kind) for path, span in find_in_value(value, path="x")] == [("x.page", PHONE), ("x.text", CARD)]
    assert redact_value(value, KINDS) == {
        "page": "https://a.example/4111111111111111?tel=<PHONE>",
        "text": "card <CARD>",
        "file": "4111111111111111.jpg",
    }
    assert redact_value("u/jane@example.org/p.jpg?phone=447700900123", KINDS) == "u/<EMAIL>/p.jpg?phone=<PHONE>"
    assert not is_link("call 07700/900123 now")


def test_in_exif_numbers_count_where_people_write():
    exif = {
        "EXIF UserComment": "call +44 7700 900123",
        "EXIF ImageUniqueID": "4111111111111111",
        "Image Artist": "jo@example.org",
        "271": "Canon",
    }
    text = json.dumps(exif)
    kinds = [(span.kind, word) for _, span, word in matches_in_value(text, by_name=kinds_of_exif)]
    assert kinds == [(PHONE, "+44 7700 900123"), ("email", "jo@example.org")]
    assert [span.kind for _, span, _ in matches_in_value(exif, by_name=kinds_of_exif)] == [PHONE, "email"]
