"""Roles are found by mapping and by known layouts, and nothing is picked silently."""

import pytest

from schemas.errors import JobError
from tests.builders import make_source
from transforms.read.columns import resolve

LAION = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity", "punsafe", "pwatermark", "LANGUAGE"]
DATACOMP = ["uid", "url", "text", "original_width", "original_height", "clip_b32_similarity_score", "clip_l14_similarity_score", "sha256"]


def test_known_layouts_are_recognised() -> None:
    laion = resolve(LAION, make_source("urls"), "a.parquet").roles
    assert {role: laion[role] for role in ("url", "caption", "width", "similarity", "punsafe")} == {
        "url": "URL", "caption": "TEXT", "width": "WIDTH", "similarity": "similarity", "punsafe": "punsafe",
    }  # fmt: skip
    datacomp = resolve(DATACOMP, make_source("urls"), "a.parquet").roles
    assert {role: datacomp[role] for role in ("url", "caption", "key", "width", "similarity", "sha256")} == {
        "url": "url", "caption": "text", "key": "uid", "width": "original_width",
        "similarity": "clip_l14_similarity_score", "sha256": "sha256",
    }  # fmt: skip
    assert "width" not in resolve(DATACOMP, make_source("parquet"), "a.parquet").roles


def test_a_mapping_goes_before_what_is_recognised() -> None:
    columns = resolve(["caption", "alt"], make_source("urls", columns={"caption": "alt"}), "a.parquet")
    assert columns.roles["caption"] == "alt"


def test_a_mapped_name_that_stands_twice_is_an_error_of_the_job() -> None:
    """D21."""
    for options in ({}, {"columns": {"caption": "text"}}):
        with pytest.raises(JobError, match=r"a\.parquet: column 'text' stands 2 times.*source\.columns\.caption"):
            resolve(["text", "text"], make_source("urls", **options), "a.parquet")


def test_a_doubled_column_that_nobody_maps_is_kept_under_two_names() -> None:
    """D21."""
    names = ["url", "__index_level_0__", "__index_level_0__", "__index_level_0___2", "__index_level_0__"]
    columns = resolve(names, make_source("urls"), "a.parquet")
    assert columns.names == ("url", "__index_level_0__", "__index_level_0___3", "__index_level_0___2", "__index_level_0___4")


def test_it_is_said_which_of_url_and_URL_is_mapped() -> None:
    """D22."""
    columns = resolve(["URL", "url", "UID", "SHA256"], make_source("urls"), "a.parquet")
    assert columns.roles["url"] == "url"
    assert columns.notes == ("columns that differ in case only: 'URL', 'url'; 'url' is mapped as url",)


def test_a_role_that_there_is_not_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(JobError, match=r"source\.columns\.captoin.*'caption'"):
        resolve([], make_source("urls", columns={"captoin": "x"}), "a.parquet")


def test_a_mapped_column_that_a_file_lacks_is_told() -> None:
    columns = resolve(["url"], make_source("urls", columns={"caption": "alt"}), "a.parquet")
    assert columns.missing == ("caption",)
    assert columns.notes == ("mapped column missing: 'alt' (source.columns.caption) is not in this shard",)
