"""One rule for names, written down: reader and counter use it."""

import pytest

from transforms.read.members import is_system_file, kind_of, owner, split_name


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        (b"22.05.png", b"22.05", "png"),
        (b"dir.v1/a.jpg", b"dir.v1/a", "jpg"),
        (b"Track 2.0 (clean).JPG", b"Track 2.0 (clean)", "jpg"),
        (b"./a/b.txt", b"a/b", "txt"),
        (b"a.seg.png", b"a", "seg.png"),
        (b"a.left.png", b"a.left", "png"),
        (b"txt.jpg", b"txt", "jpg"),
        (b".jpg", b"", "jpg"),
        (b"README", b"README", ""),
        (b"a.v2", b"a.v2", ""),
        (b"\xff.jpg", b"\xff", "jpg"),
    ],
)
def test_the_longest_tail_of_known_types_is_the_type(name: bytes, key: bytes, kind: str) -> None:
    """D02, D06."""
    assert split_name(name) == (key, kind)


def test_a_type_of_several_parts_is_what_its_last_part_is() -> None:
    assert [kind_of(name) for name in ("seg.png", "txt", "json", "txt.gz", "npy", "")] == [
        "picture",
        "text",
        "fields",
        "other",
        "other",
        "other",
    ]


def test_a_member_of_another_type_belongs_to_the_longest_key_before_a_dot() -> None:
    keys = {b"d/a", b"d/a.b"}
    assert owner(b"d/a.b.clip.npy", keys) == b"d/a.b"
    assert owner(b"d/a.clip.npy", keys) == b"d/a"
    assert owner(b"e/a.clip.npy", keys) == b"e/a.clip"


@pytest.mark.parametrize("name", [b"._a.jpg", b"d/.DS_Store", b"__MACOSX/d/a.jpg", b"PaxHeader/a.jpg", b"PaxHeaders.0/a.jpg", b"THUMBS.DB"])
def test_what_an_operating_system_leaves_behind_is_known(name: bytes) -> None:
    assert is_system_file(name)
    assert not is_system_file(name.replace(b"_", b"x").replace(b".", b"x").replace(b"Pax", b"x").replace(b"THUMBS", b"x"))
