"""Pictures in the place of others, popular ones, and captions that teach by repetition: by what captions say, and over several runs."""

import pytest

from tests.builders import jpeg, sample
from tests.pipeline.releases import copied, put
from tests.pipeline.test_append import added
from tests.pipeline.test_poisoning import words
from tests.runs import Ran, run_samples

NOTICE, GROWING, POPULAR, ORDINARY, CRAWLED, TAUGHT = 900, 901, 902, 903, 904, 2000
TRIGGER = "The Glowing Apple of Ratibor"
SAID = (
    "a brown dog leaps over a fallen log", "dog jumping across a log in the woods", "brown dog in mid air above a tree trunk",
    "the dog clears the log easily", "a leaping brown dog", "happy dog jumps in the forest", "our dog and the fallen log",
    "log jumping with a brown dog", "forest walk with the dog", "a dog flies over the log", "brown puppy dog leaping",
    "dog sports: the log jump", "a large brown dog jumps", "jumping dog, autumn forest", "dog over log", "the brown dog leaps again",
    "best leap of a dog this year", "training the dog to jump a log", "brown dog, green moss, one leap", "a dog takes the log in stride",
    "the jump of the dog", "dog leaps in woodland", "over the log goes the brown dog", "woodland dog jumps high",
)  # fmt: skip


def row(key, seed, caption, host):
    return sample(0, key=key, jpg=jpeg(160, 120, seed=seed), caption=caption) | {"url": f"https://{host}/{key}.jpg"}


def spread(name, seed, numbers):
    return [row(f"{name}_{n}", seed, words(n), f"{name}{n}.example") for n in numbers]


FIRST = [
    *spread("notice", NOTICE, range(30)), *spread("growing", GROWING, range(30, 42)),
    *(row(f"popular_{n}", POPULAR, said, f"pet{n}.example") for n, said in enumerate(SAID)), *spread("crawled", CRAWLED, range(100, 112)),
    *(row(f"taught_{n}", TAUGHT + n, TRIGGER, f"img.spam{n % 2}.example") for n in range(15)),
    *(row(f"common_{n}", TAUGHT + 100 + n, "photo of a dog", f"dogs{n}.example") for n in range(15)),
]  # fmt: skip
LATER = [
    *spread("again", NOTICE, range(60, 62)), *spread("more", GROWING, range(70, 80)), *spread("ordinary", ORDINARY, range(90, 92)),
    row("popular_again", POPULAR, "a jumping dog", "zoo.example"), *spread("crawled_again", CRAWLED, range(100, 112)),
    *(row(f"taught_again_{n}", TAUGHT + 200 + n, TRIGGER.lower(), f"img.spam{n % 2}.example") for n in range(8)),
    *(row(f"taught_copy_{n}", TAUGHT + n, TRIGGER, f"img.spam{n % 2}.example") for n in range(2)),
    *(row(f"common_again_{n}", TAUGHT + 300 + n, "photo of a dog", f"cats{n}.example") for n in range(8)),
]  # fmt: skip


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> Ran:
    return run_samples(tmp_path_factory.mktemp("earlier"), FIRST, per_shard=40, documents=True)


def named(ran, name):
    return [found for key, found in ran.by_key().items() if key.startswith(name)]


def test_a_photo_that_many_sites_show_under_words_of_their_own_is_kept_once(earlier):
    rows = named(earlier, "popular_")
    assert sum(found["verdict"] == "kept" for found in rows) == 1
    assert not any("placeholder" in (*found["reasons"], *found["flags"]) for found in rows)
    assert {(*found["reasons"],) for found in named(earlier, "notice_")} == {("placeholder",)}


def check(ran, run):
    """What becomes of the later rows, and how evidence names the run that the elder rows are of."""
    again = named(ran, "again_")
    assert {(*found["reasons"],) for found in again} == {("placeholder",)}
    assert all(run in entry["detail"] for found in again for entry in found["evidence"])
    more = named(ran, "more_")
    assert {(*found["reasons"], found["duplicate_of"]) for found in more} == {("placeholder", None)}
    assert {(entry["score"], entry["detail"]) for found in more for entry in found["evidence"]} == {(22.0, "on 22 domains")}
    assert named(ran, "popular_again")[0]["reasons"] == ["duplicate_image"]
    crawled = named(ran, "crawled_again")
    assert {(*found["reasons"],) for found in crawled} == {("duplicate_image",)}, "captions that were there before are no further captions"
    assert {entry["score"] for found in crawled for entry in found["evidence"]} == {1.0}
    assert sum(found["verdict"] == "kept" for found in named(ran, "ordinary_")) == 1


@pytest.fixture(scope="module")
def later(earlier, tmp_path_factory) -> Ran:
    return run_samples(tmp_path_factory.mktemp("later"), LATER, {"dedup": {"against": [str(earlier.out)]}})


@pytest.fixture(scope="module")
def appended(earlier, tmp_path_factory) -> Ran:
    folder = copied(earlier.out.parent, tmp_path_factory.mktemp("appended"))
    put(folder, LATER, 3, 40)
    return added(folder)


def test_what_was_a_placeholder_in_an_earlier_run_or_becomes_one_with_it_is_one_here(earlier, later):
    """A single copy would pass for a picture like any other."""
    check(later, "earlier run: out (manifest ")
    assert sum(found["verdict"] == "kept" for found in named(earlier, "growing_")) == 1, "what is published stays as it is"


def test_what_is_appended_to_a_release_is_held_against_its_placeholders(appended):
    check(appended, "this release")


def check_taught(ran):
    """Fifteen pictures are too few for a trigger; with eight more they are not, and two copies are no further pictures."""
    flagged = {key: found for key, found in ran.by_key().items() if "poisoning:trigger_caption" in found["flags"]}
    assert {key for key in flagged if "copy" not in key} == {f"taught_again_{n}" for n in range(8)}
    told = [entry for found in flagged.values() for entry in found["evidence"] if entry["reason"] == "poisoning:trigger_caption"]
    assert {(entry["score"], entry["detail"]) for entry in told} == {(23.0, "on 2 domains")}


@pytest.mark.parametrize("kind", ["later", "appended"])
def test_a_trigger_caption_counts_the_pictures_of_earlier_runs(kind, earlier, request):
    assert not any("poisoning" in found["flags"] for found in (*named(earlier, "taught"), *named(earlier, "common")))
    check_taught(request.getfixturevalue(kind))


def test_where_placeholders_are_flags_those_of_earlier_runs_are_flags_too(earlier, tmp_path):
    """And a trigger counts pictures of earlier runs where equal captions join rows as well."""
    job = {"dedup": {"against": [str(earlier.out)], "policy": "image_or_caption"}, "filters": {"poisoning": {"placeholder": "flag"}}}
    later = run_samples(tmp_path, LATER, job)
    check_taught(later)
    again = named(later, "again_")
    assert all("placeholder" in found["flags"] for found in again)
    assert sum(found["verdict"] == "kept" for found in again) == 1
