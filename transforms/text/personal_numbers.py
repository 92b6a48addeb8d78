"""Tells whether digits that look like a card, an IBAN, a social security number, a phone number or an IP address can be one.

Number plans: ISO/IEC 7812-1 (issuer identification, Luhn), ISO 13616 and the SWIFT IBAN registry (lengths, mod 97), SSA (areas, groups and
serials that are never assigned), ITU-T E.164 (country codes, 15 digits), NANPA, IANA's special-purpose addresses (`ipaddress.is_global`).
"""

import ipaddress
import re

# Issuer: prefixes (first to last, compared digit by digit) and the lengths it issues. JCB holds 3528 to 3589; its unassigned neighbours are
# taken too, since numbers made up for tests and demonstrations have them. Lengths that plans allow and nobody meets are left out: picture
# and message identifiers of social networks have 17 to 19 digits, and one in ten has a valid check digit.
# fmt: off
_ISSUERS = (
    ("Visa", ("4", "4"), (13, 16, 19)),
    ("Mastercard", ("51", "55"), (16,)), ("Mastercard", ("2221", "2720"), (16,)),
    ("American Express", ("34", "34"), (15,)), ("American Express", ("37", "37"), (15,)),
    ("Diners Club", ("300", "305"), (14, 16)), ("Diners Club", ("309", "309"), (14, 16)),
    ("Diners Club", ("36", "36"), (14, 16)), ("Diners Club", ("38", "39"), (14, 16)),
    ("Discover", ("6011", "6011"), (16, 19)), ("Discover", ("644", "659"), (16, 19)),
    ("JCB", ("35", "35"), (16,)), ("JCB", ("1800", "1800"), (15,)), ("JCB", ("2131", "2131"), (15,)),
    ("UnionPay", ("62", "62"), (16, 19)), ("Mir", ("2200", "2204"), (16, 19)), ("Troy", ("9792", "9792"), (16,)),
    ("RuPay", ("60", "60"), (16,)), ("RuPay", ("81", "82"), (16,)),
    ("Maestro", ("50", "50"), (12, 16, 19)), ("Maestro", ("56", "58"), (12, 16, 19)), ("Maestro", ("0604", "0604"), (12,)),
    ("Maestro", ("6", "6"), (12,)), ("Maestro", ("6304", "6304"), (16, 18, 19)), ("Maestro", ("6759", "6763"), (16, 18, 19)),
)
# Characters of an IBAN: the countries that have so many (SWIFT registry, release 99).
_IBAN_COUNTRIES = {
    15: "no",
    16: "be",
    18: "dk fi fk fo gl nl sd",
    19: "mk si",
    20: "at ba ee kz lt lu mn xk",
    21: "ch hr li lv",
    22: "bg bh cr de gb ge ie me rs va",
    23: "ae gi il iq om so tl",
    24: "ad cz es md pk ro sa se sk tn vg",
    25: "ly pt st",
    26: "is tr",
    27: "bi dj fr gr it mc mr sm",
    28: "al az by cy do gt hn hu lb ni pl sv",
    29: "br eg ps qa ua",
    30: "jo kw mu ye",
    31: "mt sc",
    32: "lc",
    33: "ru",
}
_IBAN_LENGTHS = {country: length for length, countries in _IBAN_COUNTRIES.items() for country in countries.split()}
# fmt: on
# E.164 country codes of one, two and three digits.
_COUNTRY_CODE = re.compile(
    r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2(?:1[1-8]|[2-6]\d|9[01789])|3(?:[57]\d|8[0125679])|42[013]|5[09]\d|6(?:[78]\d|9[012])|8[58]\d|9[679]\d"
)
_FEWEST_IBAN_DIGITS = 6  # beyond the check digits: no country's account numbers have fewer, words of that length have none
_DATE = re.compile(r"(?:19|20)\d\d\D{1,3}(?:19|20)\d\d|(?:19|20)\d\d\D\d\d\D\d\d|\d\d\D\d\d\D(?:19|20)\d\d")


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1, annex B.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def is_gtin(digits: str) -> bool:
    """Whether 12, 13 or 14 digits are the number of a bar code: the last one is the check digit of GS1's General Specifications, 7.9.

    >>> is_gtin("4006381333931"), is_gtin("4006381333932"), is_gtin("614141007349"), is_gtin("4111111111111111")
    (True, False, True, False)
    """
    weighted = sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(reversed(digits)))
    return 12 <= len(digits) <= 14 and weighted % 10 == 0


def is_card(digits: str) -> bool:
    """Whether digits are a card number: a known issuer, a length it issues, the check digit.

    Book numbers and times in milliseconds have other prefixes and never are one.

    >>> is_card("2221000000000009"), is_card("6212345678901234569"), is_card("630427373398")
    (True, True, True)
    >>> is_card("9780670019403"), is_card("1748503543012"), is_card("1747919220567223"), is_card("4444444444444444")
    (False, False, False, False)
    """
    issued = any(first <= digits[: len(first)] <= last and len(digits) in lengths for _, (first, last), lengths in _ISSUERS)
    return issued and len(set(digits)) > 1 and luhn(digits)


def iban_length(country: str) -> int | None:
    """Characters of a country's IBANs, None where it has none; `country` in lower case."""
    return _IBAN_LENGTHS.get(country)


def is_iban(text: str) -> bool:
    """Whether characters without separators, in lower case, are an IBAN: its country's length, and 1 modulo 97.

    >>> is_iban("gb82west12345698765432"), is_iban("gb82west12345698765433"), is_iban("gb82west123456987654321")
    (True, False, False)
    """
    if len(text) != _IBAN_LENGTHS.get(text[:2]) or sum(map(str.isdigit, text[4:])) < _FEWEST_IBAN_DIGITS:
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def is_ssn(digits: str) -> bool:
    """Whether nine digits can be a US social security number: areas 000, 666 and 9xx, group 00 and serial 0000 are never assigned.

    >>> is_ssn("514690360"), is_ssn("666121234"), is_ssn("912121234"), is_ssn("514000360"), is_ssn("514690000")
    (True, False, False, False, False)
    """
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def is_global_ip(text: str) -> bool:
    """Whether text is an IPv4 or IPv6 address that is reachable from everywhere.

    >>> is_global_ip("106.31.73.20"), is_global_ip("192.168.0.1"), is_global_ip("2606:4700:4700::1111"), is_global_ip("12:30:45")
    (True, False, True, False)
    """
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def is_international(digits: str, *, separated: bool) -> bool:
    """Whether digits after a plus sign are a phone number: an assigned country code, 8 to 15 digits, 11 in North America.

    Without separators at least ten, so that "+50000000" is a count.

    >>> is_international("447700900123", separated=False), is_international("15551234567", separated=True)
    (True, True)
    >>> is_international("50000000", separated=False), is_international("12000000", separated=True)
    (False, False)
    """
    if digits[0] == "1":
        return len(digits) == 11
    if not (8 if separated else 10) <= len(digits) <= 15:
        return False
    return _COUNTRY_CODE.match(digits) is not None


def is_date(text: str) -> bool:
    """Whether digits and separators are a span of years or a day.

    >>> is_date("2019-2020"), is_date("2019-04-07"), is_date("07.04.2019"), is_date("0494 92 82 32")
    (True, True, True, False)
    """
    return _DATE.fullmatch(text.strip()) is not None
