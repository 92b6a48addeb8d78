import os

import pytest

from schemas.errors import InputError
from tests import remote_filesystem
from transforms import links
from transforms.links import share, share_all
from transforms.storage import read_bytes, write_bytes


def test_on_one_filesystem_the_file_has_two_names_and_either_can_be_replaced(tmp_path):
    source, target = tmp_path / "a", tmp_path / "new" / "b"
    source.write_bytes(b"one")
    share(str(source), str(target))
    share(str(source), str(target))
    assert source.stat().st_ino == target.stat().st_ino
    write_bytes(str(target), b"two")
    assert source.read_bytes() == b"one"
    assert sorted(os.listdir(tmp_path / "new")) == ["b"]


def test_where_links_cannot_be_made_it_is_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(links.os, "link", refuse)
    (tmp_path / "a").write_bytes(b"one")
    share(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"one"
    assert (tmp_path / "a").stat().st_ino != (tmp_path / "b").stat().st_ino
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(("there", "here"), [("mirror", "mirror"), ("shelf", "shelf"), ("mirror", "shelf"), ("mirror", None)])
def test_remote_files_are_copied_within_an_object_store_and_through_this_machine_elsewhere(tmp_path, there, here):
    with remote_filesystem.mounted(tmp_path / "objects"):
        target = f"{here}://bucket/b" if here else str(tmp_path / "b")
        write_bytes(f"{there}://bucket/a", b"one")
        remote_filesystem.requests.clear()
        share_all([(f"{there}://bucket/a", target)])
        assert read_bytes(target) == b"one"
        assert (("copy", target) in remote_filesystem.requests) == (there == here == "mirror")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="none"):
        share(str(tmp_path / "none"), str(tmp_path / "b"))
