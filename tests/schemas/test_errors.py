import traceback

import pytest

from schemas.errors import (
    DifferenceError,
    EngineError,
    GateError,
    InputError,
    JobError,
    LawError,
    MissingError,
    WinnowError,
    decode,
    reported,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (WinnowError, 1),
        (JobError, 2),
        (InputError, 3),
        (MissingError, 4),
        (EngineError, 5),
        (GateError, 6),
        (DifferenceError, 7),
        (LawError, 70),
    ],
)
def test_every_kind_of_error_has_its_exit_status_and_survives_as_text(kind, status):
    error = kind("a.tar, row 3: „cut“\nmake it anew; or not")
    found = decode(f"java.lang.RuntimeException: {error.encode()}\n\tat Foo.java:1")
    assert type(found) is kind
    assert str(found) == str(error)
    assert found.exit_status == status


def raised(where: str, error: Exception) -> str:
    with pytest.raises(RuntimeError) as caught, reported(where):
        raise error
    return "".join(traceback.format_exception(caught.value))


def test_an_error_of_ours_is_reported_whole_however_often_it_is_wrapped():
    text = raised("outer", RuntimeError(InputError("a.tar: cut\nanew").encode()))
    assert repr(decode(text)) == repr(InputError("a.tar: cut\nanew"))
    assert "outer" not in text.splitlines()[-1]


def test_an_error_of_another_kind_is_reported_with_the_place_in_the_data_and_is_not_taken_for_ours():
    text = raised("shard-03", KeyError("x"))
    assert text.splitlines()[-1] == "RuntimeError: shard-03: KeyError: 'x'"
    assert decode(text) is None


def test_a_block_that_ends_well_reports_nothing():
    with reported("a"):
        pass
