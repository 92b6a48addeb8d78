"""Feeds every parser of consent and side data with what nobody should have written: `python -m tests.consent.fuzz [NUMBER] [PARSER ...]`.

NUMBER inputs (default 100,000) of up to 64 kB go into each parser, put together from the words of its own syntax, doubled, cut and
overwritten at random, the same in every run. An exception ends it and shows the input; a line a parser tells the time that it took.
Readers of files are given a file; that they refuse it with an error of Winnow's is an answer.
"""

import io
import json
import pathlib
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.takedown.flags import read_flags
from schemas.errors import InputError, JobError
from schemas.host_policies import HOST_POLICIES
from tests.consent.manifests import CAWG, in_jpeg
from tests.images.side_data import XMP_HEADER, chunk, exif, itxt, packet, photo, saved, segment, with_chunks, with_segments
from transforms.consent.content_credentials import training_mining, unchecked_signals
from transforms.consent.embedded import creator_ids, creators, embedded_signals
from transforms.consent.fetched import read_archive, read_table
from transforms.consent.hash_columns import hash_columns
from transforms.consent.headers import header_signals, read_headers
from transforms.consent.host_policy import HostPolicy, Served
from transforms.consent.list_files import entries_of
from transforms.consent.page import page_signals
from transforms.consent.robots import TRAINING_AGENTS
from transforms.consent.usage import ai_train, preferences
from transforms.images.metadata import read_metadata
from transforms.images.parts.exif import read_exif
from transforms.images.parts.iptc import read_iim, read_photoshop
from transforms.images.parts.xmp import marks_of, without_personal
from transforms.images.scrub import scrub
from transforms.text.url import host_of, normal_url, without_credentials

LONGEST: Final = 65_536
URL: Final = "https://a.example/pics/1.jpg?q=1"
_ANYTHING: Final = (
    b"\n", b" ", b":", b",", b";", b"/", b"*", b"$", b"#", b"=", b"%", b"%41", b'"', b"\\", b"\t", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf",
    b"\xff\xfe", b"\xc3\xa9", b"a", b"1", b"no", b"n", b"y", b"https://a.example", b"&amp;", b"<", b">", b"[", b"]", b"{", b"}", b"(", b")",
)  # fmt: skip
_NO_TEXT: Final = bytes({*range(9), *range(14, 32), *range(127, 256)})
_ROBOTS: Final = (
    b"User-agent: ", b"Disallow: ", b"Allow: ", b"Crawl-delay: 1\n", b"Sitemap: ", b"License: ", b"Content-Signal: ", b"Content-Usage: ",
    b"GPTBot", b"CCBot/2.0", b"*\n", b"/pics/", b"*.jpg$\n", b"ai-train=no", b"train-ai=n",
)  # fmt: skip
_HEADERS: Final = (
    b"X-Robots-Tag", b"noai", b"noindex", b"unavailable_after: 1", b"max-snippet: 2", b"tdm-reservation", b"Content-Usage", b"Link",
    b'<https://a.example/l>; rel="license"; type="application/rsl+xml"', b'{"a": "b"}', b'["x", "y"]', b"train-ai=n;x=?1", b"bot: ",
)  # fmt: skip
_XML: Final = (
    b"<rsl xmlns='https://rslstandard.org/rsl'>", b"</rsl>", b"<content url='/'>", b"</content>", b"<license>", b"</license>",
    b"<permits type='usage'>all</permits>", b"<prohibits>ai-train</prohibits>", b"<payment type='free'/>", b"<!DOCTYPE a>", b"&x;",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>", b"</x:xmpmeta>", b"plus:DataMining", b"DMI-PROHIBITED",
    b"xmlns:plus='http://ns.useplus.org/ldf/xmp/1.0/'", b"tdm:reservation='1'", b"tdm", b":reservation", b"<rdf:Description ", b"/>",
)  # fmt: skip
_JSON: Final = (
    b'[{"location": "/", "tdm-reservation": 1}]',
    b'"location"',
    b'"tdm-reservation"',
    b"true",
    b"null",
    b"1e999",
    b'{"',
    b'": ',
)
_LISTS: Final = (
    b"kind,value\n", b"kind,value,reason,source,valid_from\n", b"url,", b"domain,", b"sha256,", b"0" * 64, b"f" * 32, b"example.org\n",
    b"phash,ff00ff00ff00ff00\n", b"PAR1", b"\x1f\x8b", b"2026-01-01", b",illegal\n",
)  # fmt: skip
_RESERVED: Final = packet(plus__DataMining="DMI-PROHIBITED")
_BOMB: Final = itxt(b"XML:com.adobe.xmp", b"<a>" + bytes(20 << 20), packed=True)
_CONTAINERS: Final = tuple(
    [saved(photo(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")]
    + [
        with_segments(saved(photo(), "JPEG"), segment(0xE1, XMP_HEADER + _RESERVED)), in_jpeg(CAWG),
        with_chunks(saved(photo(), "PNG"), itxt(b"XML:com.adobe.xmp", _RESERVED, packed=True), chunk(b"caBX", CAWG)),
        with_chunks(saved(photo(), "PNG"), _BOMB, _BOMB, chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 20)))),
        saved(photo(), "TIFF", tiffinfo={700: _RESERVED, 0xCD41: CAWG}),
    ]
)  # fmt: skip
_BLOCKS: Final = (
    exif(owner="Jo", artist="Ann").tobytes(), b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"\0\1\x12\1\3\0\1\0\0\0\6\0\0\0",
    b"8BIM\4\4\0\0\0\0\0\7", b"8BIM\4\x24\0\0\0\0\0\4<a/>", b"\x1c\2\x50\0\2Jo", b"\x1c\2\x74\x80\4\0\0\0\1", b"\x69\x87\4\0\1\0\0\0",
)  # fmt: skip
_FLAGS: Final = (
    b"uid,url,kind,reporter,evidence\n", b"f" * 32, b",https://a.example/1,csam,", b'{"uid": "',
    b'", "kind": "gdpr17", "reporter": "', b'"}\n',
    b"PAR1",
)  # fmt: skip
_URLS: Final = (
    b"http://", b"https://", b"user:pw@", b"?sig=1&", b"&#38;", b"[::1]", b"xn--", b":80",
    "\u4e00\u8d85\u3002\u5927".encode(), "\u00e9\u0416".encode(),
)  # fmt: skip
_FILES: Final = tempfile.TemporaryDirectory()


def _host(name: str) -> Callable[[bytes], object]:
    served: Mapping[str, Any] = dict.fromkeys(("robots_txt", "tdmrep_json", "ai_txt", "rsl_xml"))

    def parse(raw: bytes) -> object:
        return HostPolicy(Served("2026", None, **{**served, name: raw})).signals(URL, TRAINING_AGENTS)

    return parse


def _headers(raw: bytes) -> None:
    header_signals(read_headers(raw))
    text = raw.decode("latin-1")
    header_signals(read_headers(dict.fromkeys(("X-Robots-Tag", "TDM-Reservation", "Content-Usage", "Content-Signal", "Link"), text)))


def _list(raw: bytes) -> None:
    columns = hash_columns(raw)
    try:
        entries = sum(1 for _ in entries_of("list", raw))
    except JobError:
        assert columns is None
        return
    assert columns is None or sum(len(column.rows) for column in columns) == entries


def _picture(raw: bytes) -> None:
    metadata = read_metadata(raw)
    embedded_signals(metadata)
    creator_ids(creators(metadata))
    scrub(raw)


def _refused(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """Reads a file to its end; what it refuses with a message is refused."""

    def parse(raw: bytes) -> object:
        path = pathlib.Path(_FILES.name, "input")
        path.write_bytes(raw)
        try:
            return read(str(path))
        except (InputError, JobError):
            return None

    return parse


def _archive() -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False)
    for url, body in (("https://a.example/robots.txt", b"User-agent: *\nDisallow: /\n"), ("http://b.example/ai.txt", b"x" * 50)):
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")], protocol="HTTP/1.1")
        fixed = {"WARC-Date": "2026-01-01T00:00:00Z", "WARC-Record-ID": "<urn:uuid:1>"}
        writer.write_record(writer.create_warc_record(url, "response", io.BytesIO(body), http_headers=headers, warc_headers_dict=fixed))
    return out.getvalue()


def _snapshot() -> bytes:
    out = io.BytesIO()
    row = {**dict.fromkeys(HOST_POLICIES.names), "host": "a.example", "scheme": "https", "robots_txt": b"User-agent: *\nDisallow: /\n"}
    pq.write_table(pa.Table.from_pylist([row], HOST_POLICIES), out)
    return out.getvalue()


def _manifest(raw: bytes) -> None:
    try:
        store = json.loads(raw)
    except (ValueError, RecursionError):
        store = {"manifests": {"a": {"assertions": [{"label": "cawg.training-mining", "data": {"entries": raw.decode("latin-1")}}]}}}
    list(training_mining(store if isinstance(store, dict) else {"manifests": store}))


def _url(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    assert normal_url(normal_url(text)) == normal_url(text)
    host_of(text)
    without_credentials(text)


def _aipref(raw: bytes) -> None:
    preferences(raw.decode("latin-1"))
    ai_train(raw.decode("latin-1"))


_BINARY: Final = (_CONTAINERS, _BLOCKS, (_snapshot(),))  # what is never made text
PARSERS: Final[dict[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]]] = {
    "robots": (_host("robots_txt"), _ROBOTS), "tdmrep": (_host("tdmrep_json"), _JSON), "ai_txt": (_host("ai_txt"), _ROBOTS),
    "rsl": (_host("rsl_xml"), _XML), "headers": (_headers, _HEADERS), "page": (lambda raw: page_signals(raw, raw, raw), _HEADERS),
    "aipref": (_aipref, (b"train-ai=n", b";x=", b"?1", b":aGk=:", b"(a b)", b"@1", b"ai-train=yes")),
    "xmp": (lambda raw: (marks_of(raw), without_personal(raw)), _XML),
    "c2pa": (_manifest, (b'"entries": {', b'"use": "notAllowed"', *_JSON)),
    "lists": (_list, _LISTS), "url": (_url, _URLS),
    "picture": (_picture, _CONTAINERS), "blocks": (lambda raw: (read_exif(raw), read_photoshop(raw), read_iim(raw)), _BLOCKS),
    "store": (lambda raw: (unchecked_signals([raw]), read_metadata(in_jpeg(raw, 60_000))), (CAWG, CAWG[60:], b"jumb", b"jumd", b"cbor")),
    "flags": (_refused(lambda path: list(read_flags(path))), _FLAGS),
    "archive": (
        _refused(lambda path: list(read_archive(path))), (_archive(), b"WARC/1.0\r\n", b"Content-Length: 5\r\n", b"HTTP/1.1 200 OK\r\n"),
    ),
    "snapshot": (_refused(lambda path: list(read_table(path))), (_snapshot(),)),
}  # fmt: skip


def made(draw: random.Random, words: tuple[bytes, ...]) -> bytes:
    """An input of up to 64 kB; most are small, and half are text."""
    length = int(LONGEST ** draw.uniform(0, 1))
    raw = bytearray(draw.choice(words) if draw.random() < 0.7 else b"")
    while len(raw) < length:
        what = draw.random()
        if what < 0.1 and raw:  # doubled
            raw += raw[-draw.randrange(1, len(raw) + 1) :]
        elif what < 0.15:
            raw += draw.choice(_ANYTHING) * draw.randrange(1, length + 1)
        elif what < 0.3:
            raw += draw.randbytes(draw.randrange(1, 40))
        else:
            raw += draw.choice(words if draw.random() < 0.6 else _ANYTHING)
    if words not in _BINARY and draw.random() < 0.5:
        raw = raw.translate(None, _NO_TEXT)
    for _ in range(draw.choice((0, 0, 0, 1, 5))):
        if raw:
            raw[draw.randrange(len(raw))] = draw.randrange(256)
    return bytes(raw[draw.choice((0, 0, 0, 1)) : max(length, 1)] if draw.random() < 0.8 else raw[:LONGEST])


def fuzz(name: str, number: int, seed: int = 0) -> float:
    """Feeds a parser; returns CPU seconds of the slowest input.

    Raises:
      AssertionError: an input raised, or a property did not hold; the message holds the number and the beginning of the input.
    """
    parse, words = PARSERS[name]
    slowest = 0.0
    for place in range(number):
        raw = made(random.Random(f"{name} {seed} {place}"), words)
        before = time.process_time()
        try:
            parse(raw)
        except Exception as error:  # whatever it is, it must not be
            raise AssertionError(f"{name}, input {place} of seed {seed}, {len(raw)} bytes: {error!r}: {raw[:200]!r}") from error
        slowest = max(slowest, time.process_time() - before)
    return slowest


def main(number: int, names: list[str]) -> None:
    """Feeds parsers and prints a line for each."""
    for name in names or PARSERS:
        before = time.process_time()
        slowest = fuzz(name, number)
        print(f"{name}: {number:,} inputs, {time.process_time() - before:.0f} CPU s, slowest {slowest * 1000:.0f} ms", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2:])
