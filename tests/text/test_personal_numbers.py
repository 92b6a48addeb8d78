import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.text.personal_numbers import is_card, is_iban, is_international, is_ssn, luhn


@given(st.text(string.digits, min_size=11, max_size=18))
def test_exactly_one_last_digit_passes_luhn_and_a_single_wrong_digit_never_does(body):
    [right] = [digit for digit in string.digits if luhn(body + digit)]
    for at, digit in enumerate(body):
        wrong = str((int(digit) + 1) % 10)
        assert not luhn(body[:at] + wrong + body[at + 1 :] + right)


@pytest.mark.parametrize(
    "digits",
    ["4111111111111111", "4222222222222", "5555555555554444", "2221000000000009", "378282246310005", "30569309025904", "6011111111111117",
     "3530111333300000", "213161594239298", "180016070420458", "630427373398", "6212345678901234569", "4030874397740603788"],
)  # fmt: skip
def test_a_number_of_every_issuer_is_a_card(digits):
    assert is_card(digits)


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("4111111111111112", "wrong check digit"),
        ("41111111111111", "no Visa has fourteen digits"),
        ("9780670019403", "a book number that passes Luhn"),
        ("1748503543012", "milliseconds that pass Luhn"),
        ("0000000000000000", "one digit over and over"),
    ],
)
def test_what_is_no_card_is_refused(digits, why):
    assert not is_card(digits), why


@pytest.mark.parametrize(
    "iban",
    ["gb82west12345698765432", "de89370400440532013000", "fr1420041010050500013m02606", "no9386011117947",
     "mt84malt011000012345mtlcast001s",
     "nl91abna0417164300", "ch9300762011623852957", "lc55hemm000100010012001200023015"],
)  # fmt: skip
def test_the_examples_of_the_iban_registry_pass_and_any_other_check_digits_do_not(iban):
    assert is_iban(iban)
    assert sum(is_iban(f"{iban[:2]}{check:02}{iban[4:]}") for check in range(2, 99)) == 1
    assert not is_iban(iban + "0")
    assert not is_iban("zz" + iban[2:])


def test_words_that_happen_to_be_one_modulo_97_are_no_iban():
    words = [f"no{check:02}elevenlette" for check in range(100)]
    assert not any(map(is_iban, words))


@pytest.mark.parametrize("digits", ["000121234", "666121234", "900121234", "123001234", "123120000"])
def test_never_assigned_social_security_numbers_are_refused(digits):
    assert not is_ssn(digits)
    assert is_ssn("123121234")


def test_a_phone_number_needs_an_assigned_country_code():
    assert is_international("4930123456", separated=True)
    assert not is_international("2101234567", separated=True)
    assert not is_international("9991234", separated=True)
