"""One normal form of a URL for identity and lists, its host, and the URL without what gives access to it.

Nothing here raises: a URL of a source is untrusted text, and every text has a normal form. The grammar is RFC 3986 appendix B; what is
equal follows its section 6.2.2 (case, percent-escapes) and 6.2.3 (default port, empty path).
"""

import functools
import html
import ipaddress
import re
from collections.abc import Container
from typing import Any, Final

# Parameters that carry a signature, a credential or its validity, lower case: they change with every visit and open what they name.
SIGNATURES: Final = frozenset(
    {
        "awsaccesskeyid", "signature", "expires",  # AWS signature version 2 (S3 "Query string request authentication alternative")
        "key-pair-id", "policy", "hash-algorithm",  # Amazon CloudFront signed URLs
        "googleaccessid",  # Google Cloud Storage V2 signing
        "sig",  # Azure Storage shared access signatures
        "ossaccesskeyid", "security-token",  # Alibaba Cloud OSS
        "access_token", "auth_token", "id_token",  # OAuth 2.0 (RFC 6750 section 2.3)
        "api_key", "apikey", "api-key",
        "hdnts", "hdnea", "hdntl", "__token__", "__gda__",  # Akamai edge authorisation
    }
)  # fmt: skip
# AWS signature version 4; Google Cloud Storage V4; Alibaba V4; Tencent COS.
SIGNATURE_PREFIXES: Final = (
    "x-amz-",
    "x-goog-",
    "x-oss-",
    "q-sign-",
    "q-key-time",
    "q-ak",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
)
# Short names that mean something else elsewhere: out only beside the parameters that mark the scheme.
SIGNED_TOGETHER: Final = (
    # Azure "Create a service SAS", "account SAS", "user delegation SAS"
    ({"sig"}, {"sv", "ss", "srt", "sp", "se", "st", "spr", "sr", "sip", "si", "sdd", "ses", "skoid", "sktid", "skt", "ske", "sks", "skv",
               "saoid", "suoid", "scid"}),
    ({"oh", "oe"}, {"oh", "oe"}),  # fbcdn.net, cdninstagram.com
    ({"ex", "is", "hm"}, {"ex", "is", "hm"}),  # cdn.discordapp.com
)  # fmt: skip

_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_NAME = r"(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*"  # of a host that is in its normal form, and no address
_PLAIN = re.compile(rf"https?://{_NAME}/[A-Za-z0-9._~/!$'()*,;=:@+-]*")  # nothing in it changes
_PLAIN_HOST = re.compile(rf"https?://({_NAME})[/?#]")
_BARE = re.compile(r"[^\s/?#:@]+\.[^\s/?#:@.]{2,}\.?(?::\d+)?(?:[/?#]|$)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BEYOND_ASCII = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])+")
_UNSAFE = re.compile(r"[^\x21-\x7e]+")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HEX = "0123456789ABCDEFabcdef"
_NORMAL_ESCAPES = {  # every spelling of an escape
    f"%{high}{low}": sign if (sign := chr(int(high + low, 16))) in _UNRESERVED else f"%{high}{low}".upper() for high in _HEX for low in _HEX
}
_USER = re.compile(r"([/\\]{2,})((?:&#\w{1,7};|[^/\\?#])*)")
_PARAMETERS = re.compile(r"(\?|(?<!&)#|#(?!\w{1,7};))((?:&#\w{1,7};|[^?#])*)")
_SEPARATOR = re.compile(r"(&(?:amp;|#0*38;|#[xX]0*26;)*)")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # what IDNA takes for dots (RFC 3490, section 3.1)
_LONGEST_LABEL = 63  # octets of a label in its ASCII form, which is longer than the label (RFC 1034, section 3.1)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21"}
_ROUNDS = 8


def normal_url(url: str) -> str:
    """The form in which two URLs of one picture are equal.

    HTML entities undone, surrounding white space off, scheme and host in lower case (host in its ASCII form), default port, fragment,
    user info and signature parameters out, percent-escapes of unreserved characters undone, others in upper case, characters that a
    URL cannot hold escaped as UTF-8. Order and case of path and query stay. Applying it again changes nothing.

    >>> normal_url(" HTTP://Me:pw@Example.COM:80/%7ea/b.JPG?w=1&amp;X-Amz-Signature=00#top ")
    'http://example.com/~a/b.JPG?w=1'
    """
    if _PLAIN.fullmatch(url):
        return url
    for _ in range(_ROUNDS):
        normal = _normalise(url)
        if normal == url:
            break
        url = normal
    return url


def without_credentials(url: str) -> str:
    """The URL as it is, less user info and signature parameters; everything else stays letter for letter.

    >>> without_credentials("https://me:pw@Host/A.jpg?x=1&Signature=ab&y=%7e")
    'https://Host/A.jpg?x=1&y=%7e'
    """
    return _PARAMETERS.sub(_without_signatures, _USER.sub(_without_user, url, count=1))


def host_of(url: str) -> str | None:
    """The host: lower case, ASCII (IDNA), no trailing dot; an IP address in its shortest form. None where there is none.

    >>> host_of("https://WWW.Bücher.example.:8080/a"), host_of("http://[2001:DB8::0:1]/"), host_of("data:image/png;base64,AA")
    ('www.xn--bcher-kva.example', '2001:db8::1', None)
    """
    plain = _PLAIN_HOST.match(url)
    return plain.group(1) if plain else _host_of(url)


@functools.lru_cache(maxsize=1 << 16)
def _host_of(url: str) -> str | None:
    url = _unescape_entities(url).strip()
    parts = _PARTS.match(url)
    authority = parts.group(2) if parts else None
    if authority is None and (bare := _BARE.match(url)):
        authority = re.split(r"[/?#]", bare.group(), maxsplit=1)[0]
    if not authority:
        return None
    host, _ = _host_and_port(authority)
    return host.strip("[]") or None


def listed_domain(host: str, listed: Container[str]) -> str | None:
    """The nearest of some domains that a host is, or lies below; None where it lies below none.

    >>> listed_domain("img.example.org", {"example.org"}), listed_domain("anexample.org", {"example.org"})
    ('example.org', None)
    """
    while host not in listed:
        _, dot, host = host.partition(".")
        if not dot:
            return None
    return host


@functools.lru_cache(maxsize=1 << 16)
def registrable_domain(host: str) -> str:
    """The part of a host that somebody registered, private suffixes of the Public Suffix List respected; a suffix or an IP as it is.

    What ends in a number is an address, if not one in its normal form: no domain does (WHATWG URL, section 3.5).

    >>> registrable_domain("img.shop.example.co.uk"), registrable_domain("a.jo.github.io"), registrable_domain("10.0.0.1")
    ('example.co.uk', 'jo.github.io', '10.0.0.1')
    """
    return host if _is_address(host) or host.rpartition(".")[2].isdigit() else _suffixes().privatesuffix(host) or host


@functools.cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=False)


def _normalise(url: str) -> str:
    url = _unescape_entities(url).strip()
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return url
    scheme, authority, path, query = parts.groups()
    scheme = scheme.lower() if scheme else None
    normal = f"{scheme}:" if scheme else ""
    if authority is not None:
        host, port = _host_and_port(authority)
        normal += f"//{host}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme or "") else "")
        path = path or "/"
    normal += _normal_escapes(path)
    kept = _cut(query) if query else ""
    return normal + (f"?{_normal_escapes(kept)}" if kept else "")


def _unescape_entities(text: str) -> str:
    """Undoes entities that end in a semicolon (`&copy=1` in a query is a parameter), however often they were escaped."""
    if "&" not in text:
        return text
    for _ in range(_ROUNDS):
        plain = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
        if plain == text:
            break
        text = plain
    return text


def _host_and_port(authority: str) -> tuple[str, str]:
    host = authority.rpartition("@")[2]
    if ":" not in host:
        return _normal_host(host), ""
    found = re.fullmatch(r"(.*?)(?::(\d*))?", host, re.DOTALL)
    host, port = (found.group(1), found.group(2) or "") if found else (host, "")
    if not port:
        host = host.rstrip(":")
    return _normal_host(host), port.lstrip("0") if port.strip("0") else port


def _normal_host(host: str) -> str:
    if "%" in host:
        host = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)) if found.group(1) < "80" else found.group(), host)
        host = _BEYOND_ASCII.sub(_decoded, host)
    if host.startswith("[") or _is_address(host):
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return host.lower()
        return f"[{address.compressed}]" if address.version == 6 else str(address)
    host = host.rstrip(".").lower()
    if host.isascii():
        return host
    if any(len(label) > _LONGEST_LABEL for label in _DOTS.split(host)):  # to find that out, IDNA takes the square of its length
        return _escape_unsafe(host)
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:  # a label that IDNA 2003 refuses: escaped, so that the form stays ASCII
        return _escape_unsafe(host)


def _decoded(escapes: re.Match[str]) -> str:
    """Escaped UTF-8 as text, as a host may have it (RFC 3986, section 3.2.2); what is no UTF-8 as it is."""
    try:
        return bytes.fromhex(escapes.group().replace("%", "")).decode()
    except UnicodeDecodeError:
        return escapes.group()


def _is_address(host: str) -> bool:
    if ":" not in host and not host[-1:].isdigit():
        return False
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _normal_escapes(text: str) -> str:
    return _escape_unsafe(_ESCAPE.sub(lambda found: _NORMAL_ESCAPES[found.group()], text) if "%" in text else text)


def _escape_unsafe(text: str) -> str:
    return _UNSAFE.sub(lambda found: "%" + found.group().encode("utf-8", "surrogatepass").hex("%").upper(), text)


def _without_user(found: re.Match[str]) -> str:
    before, authority = found.groups()
    if "@" in authority:
        return str(before + authority.rpartition("@")[2])
    plain = _unescape_entities(_ESCAPE.sub(lambda escape: "@" if escape.group(1) == "40" else escape.group(), authority))
    return str(before + plain.rpartition("@")[2]) if "@" in plain else str(found.group())


def _without_signatures(found: re.Match[str]) -> str:
    mark, text = found.groups()
    kept = _cut(text)
    return mark + kept if kept or not text else ""


def _cut(query: str) -> str:
    """A query or fragment without its signature parameters; returned as it is where it has none."""
    pieces = _SEPARATOR.split(query)
    names = [_name(piece) for piece in pieces[::2]]
    present = set(names)
    gone = {name for name in present if name in SIGNATURES or name.startswith(SIGNATURE_PREFIXES)}
    for marks, companions in SIGNED_TOGETHER:
        if marks <= present:
            gone |= companions
    if not gone & present:
        return query
    kept = [number for number, name in enumerate(names) if name not in gone]
    return "".join((pieces[2 * number - 1] if place else "") + pieces[2 * number] for place, number in enumerate(kept))


def _name(parameter: str) -> str:
    name = parameter.partition("=")[0]
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), name).strip().lower()
