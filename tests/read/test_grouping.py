"""Members are put together by key, wherever they stand, and none is lost."""

from transforms.read.grouping import group
from transforms.read.tar_index import Member


def members(*names: str) -> list[Member]:
    return [Member(name.encode(), place, 1) for place, name in enumerate(names)]


def test_samples_stand_in_order_of_first_appearance() -> None:
    grouped = group(members("b.jpg", "x.cls", "a.jpg", "b.txt", "a.json", "x.npy"))
    assert [sample.key for sample in grouped.samples] == [b"b", b"x", b"a"]
    assert grouped.unread == 2


def test_the_first_of_a_kind_counts_and_the_others_are_kept() -> None:
    """D03."""
    (sample,) = group(members("a.jpg", "a.png", "a.jpg", "a.txt", "a.text")).samples
    assert sample.picture is not None
    assert sample.picture.name == b"a.jpg"
    assert [(extra.name, extra.offset) for extra in sample.extra] == [(b"a.png", 1), (b"a.jpg", 2)]
    assert sample.text is not None
    assert sample.text.name == b"a.txt"
    assert sample.repeated


def test_a_plain_type_goes_before_one_of_several_parts() -> None:
    (sample,) = group(members("a.seg.png", "a.png", "a.jpg.txt", "a.txt")).samples
    assert sample.picture is not None
    assert sample.picture.name == b"a.png"
    assert [extra.name for extra in sample.extra] == [b"a.seg.png"]
    assert sample.text is not None
    assert sample.text.name == b"a.txt"


def test_a_problem_of_any_member_is_the_samples() -> None:
    (sample,) = group([Member(b"a.jpg", 0, 1), Member(b"a.npy", 1, 9, "truncated member")]).samples
    assert sample.problem == "truncated member"
