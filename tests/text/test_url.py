"""A URL has one normal form, and leaves no key to the door in what is stored."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.text.url import host_of, normal_url, registrable_domain, without_credentials

AWS4 = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F1&X-Amz-Date=2&X-Amz-Expires=3&X-Amz-SignedHeaders=host&X-Amz-Signature=ab"
SIGNED = {
    "aws4": AWS4,
    "aws2": "AWSAccessKeyId=AK&Signature=a%3D&Expires=1",
    "cloudfront": "Expires=1&Signature=a&Key-Pair-Id=K",
    "cloudfront_policy": "Policy=ey&Signature=a&Key-Pair-Id=K",
    "google4": "X-Goog-Algorithm=G&X-Goog-Credential=c&X-Goog-Date=1&X-Goog-Expires=1&X-Goog-SignedHeaders=h&X-Goog-Signature=a",
    "google2": "GoogleAccessId=a%40b&Expires=1&Signature=s",
    "azure": "sv=2020-08-04&ss=b&srt=o&sp=r&se=2030&st=2020&spr=https&sig=a%2Bb",
    "facebook": "oh=00_AfA&oe=6512",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP://EXAMPLE.com/a.jpg", "http://example.com/a.jpg"),
        ("  http://example.com/a.jpg\n", "http://example.com/a.jpg"),
        ("http://example.com:80/a.jpg", "http://example.com/a.jpg"),
        ("https://example.com:443/a.jpg", "https://example.com/a.jpg"),
        ("https://example.com:/a.jpg", "https://example.com/a.jpg"),
        ("https://example.com/a.jpg#part", "https://example.com/a.jpg"),
        ("https://me:secret@example.com/a.jpg", "https://example.com/a.jpg"),
        ("https://example.com/?a=1&amp;b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/?a=1&amp;amp;b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/%7Ejo/%e4.jpg", "https://example.com/~jo/%E4.jpg"),
        ("https://example.com/b\u00fccher.jpg", "https://example.com/b%C3%BCcher.jpg"),
        ("https://b\u00fccher.example/a", "https://XN--BCHER-KVA.example./a"),
        ("https://example.com", "https://example.com/"),
    ],
)
def test_urls_of_one_picture_have_one_form(one: str, other: str) -> None:
    assert normal_url(one) == normal_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/A.jpg", "https://example.com/a.jpg"),
        ("https://example.com/?a=1&b=2", "https://example.com/?b=2&a=1"),
        ("https://example.com/?q=A", "https://example.com/?q=a"),
        ("http://example.com/a", "https://example.com/a"),
        ("https://example.com:8443/a", "https://example.com/a"),
        ("https://example.com/a%2Fb", "https://example.com/a/b"),
        ("https://example.com/?token=1", "https://example.com/?token=2"),
        ("https://example.com/?st=1&sp=2", "https://example.com/?st=2&sp=2"),
    ],
)
def test_case_and_order_of_path_and_query_stay(one: str, other: str) -> None:
    assert normal_url(one) != normal_url(other)


@pytest.mark.parametrize("query", SIGNED.values(), ids=SIGNED.keys())
def test_signature_parameters_do_not_count(query: str) -> None:
    plain = "https://bucket.example/p%20q.jpg?w=300"
    assert normal_url(f"{plain}&{query}") == normal_url(plain)
    assert normal_url(f"https://bucket.example/p%20q.jpg?{query}&amp;w=300") == normal_url(plain)
    assert normal_url(f"https://bucket.example/a.jpg?{query}") == "https://bucket.example/a.jpg"


@pytest.mark.parametrize("query", SIGNED.values(), ids=SIGNED.keys())
def test_a_stored_url_loses_its_credentials_and_nothing_else(query: str) -> None:
    assert (
        without_credentials(f"https://u:p@Bucket.example:443/P%7e.jpg?B=1&amp;{query}&a=%7e#x")
        == "https://Bucket.example:443/P%7e.jpg?B=1&a=%7e#x"
    )
    assert without_credentials(f"https://bucket.example/a.jpg?{query}") == "https://bucket.example/a.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@h.example/",
        "//me:secret@h.example/a",
        " http:\\\\me:secret@h.example\\a",
        "https://me:secret&#64;h.example/",
        "https://me:secret%40h.example/",
        "https://a@b:secret@h.example/",
        "https://h.example/#access_token=secret&state=1",
        "https://h.example/?%58-Amz-Signature=secret",
        "https://h.example/?a=1&#38;sig=secret",
    ],
)
def test_no_way_of_writing_it_keeps_a_secret(url: str) -> None:
    assert "secret" not in without_credentials(url)
    assert "h.example" in without_credentials(url)


def test_a_url_without_credentials_stays_letter_for_letter() -> None:
    for url in ("http://H.example/~a@b/%7e?x=&&y#frag@ment", "not a url", "", "https://h.example/?copy=1&copy=2", "http://[::1"):
        assert without_credentials(url) == url


@given(st.text(alphabet=st.sampled_from("aA%&;#?/:@=.[]\\ 7e2541\u00fcampsigSignature\ud800"), max_size=60) | st.text(max_size=40))
def test_every_text_has_a_normal_form_that_is_stable(url: str) -> None:
    normal = normal_url(f"https://{url}")
    assert normal_url(normal) == normal
    host_of(normal)
    without_credentials(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM./a", "example.com"),
        ("https://u:p@example.com:8080", "example.com"),
        ("http://192.168.0.1:80/a", "192.168.0.1"),
        ("http://[::FFFF]/", "::ffff"),
        ("www.example.com/a.jpg", "www.example.com"),
        ("https://B%C3%BCcher.example/a.jpg", "xn--bcher-kva.example"),
        ("b%c3%bccher.example/a.jpg", "xn--bcher-kva.example"),
        ("https://b%FCcher.example/a.jpg", "b%fccher.example"),
        ("//cdn.example.com/a.jpg", "cdn.example.com"),
        ("data:image/png;base64,AAAA", None),
        ("", None),
        ("just words", None),
        ("https:///a.jpg", None),
        ("https://" + "\u00fc" * 80 + ".example/", "%C3%BC" * 80 + ".example"),
    ],
)
def test_the_host_of_a_url(url: str, host: str | None) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.com", "example.com"),
        ("example.co.uk", "example.co.uk"),
        ("jo.github.io", "jo.github.io"),
        ("x.jo.github.io", "jo.github.io"),
        ("github.io", "github.io"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("010.0.0.1", "010.0.0.1"),
        ("::1", "::1"),
        ("www.xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_the_registrable_domain_respects_private_suffixes(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


def test_an_empty_port_goes_however_many_colons_it_has():
    assert normal_url("http://a.example:::::::::::/x") == "http://a.example/x"
    assert normal_url("//,:::::::::") == "//,/"


def test_a_label_that_no_host_can_have_costs_what_its_length_says() -> None:
    label = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(16_000))
    before = time.process_time()
    normal = normal_url(f"https://{label}.example/1.jpg")
    assert time.process_time() - before < 2
    assert normal.startswith("https://%E4%B8%80")
    assert normal_url(normal) == normal
