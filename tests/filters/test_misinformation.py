import gzip

import pytest

from schemas.errors import JobError, MissingError
from tests.filters.conformance import batch_of, check_filter, findings
from transforms.filters.misinformation import Misinformation

LIST = "domain,citation\nhoax.example,https://factcheck.example/hoax\nWWW.Rumour.example,Doe 2024 p. 3\n"


def written(tmp_path, text=LIST):
    path = tmp_path / "domains.csv"
    path.write_text(text)
    return str(path)


def rows(*urls):
    return [{"url": url} for url in urls]


def test_a_listed_domain_and_its_subdomains_carry_the_citation_and_others_do_not(tmp_path):
    subject = Misinformation(domains=written(tmp_path), action="reject")
    listed = rows("https://hoax.example/a.jpg", "http://img.news.hoax.example/b.jpg", "https://rumour.example/c.jpg")
    check_filter(subject, keeps=rows("https://other.example/a.jpg", "https://nohoax.example/", "https://example/", None), rejects=listed)
    batch = batch_of(listed, subject)
    [found] = findings(subject, batch, subject.measure(batch))
    assert found.details == [
        "hoax.example: https://factcheck.example/hoax", "hoax.example: https://factcheck.example/hoax", "rumour.example: Doe 2024 p. 3",
    ]  # fmt: skip


def test_low_agreement_is_a_suspicion_and_a_row_has_the_word_once(tmp_path):
    subject = Misinformation(domains=written(tmp_path), min_agreement=0.2)
    given = [
        {"url": "https://hoax.example/", "measures": {"clip_score": {"score": 0.1}}},
        {"url": "https://fine.example/", "measures": {"clip_score": {"score": 0.1}}},
        {"url": "https://fine.example/", "measures": {"clip_score": {"score": 0.2}}},
        {"url": "https://fine.example/"},
    ]
    batch = batch_of(given, subject)
    found = findings(subject, batch, subject.measure(batch))
    assert [(f.rows.tolist(), f.threshold) for f in found] == [([0], None), ([1], 0.2)]


def test_it_flags_unless_the_job_says_reject():
    assert Misinformation().action == "flag"


@pytest.mark.parametrize("text", ["domain\nhoax.example\n", "domain,citation\nhoax.example,\n", "domain,citation\nno host,see\n"])
def test_an_entry_without_a_domain_or_a_citation_is_refused_with_its_line(tmp_path, text):
    with pytest.raises(JobError, match=r"domains\.csv"):
        Misinformation(domains=written(tmp_path, text)).list_files()


def test_a_compressed_list_is_read_and_one_that_is_cut_or_no_utf_8_is_refused(tmp_path):
    path = tmp_path / "domains.csv.gz"
    packed = gzip.compress(LIST.encode())
    path.write_bytes(packed)
    check_filter(Misinformation(domains=str(path), action="reject"), rejects=rows("https://hoax.example/a.jpg"))
    for bad in (packed[:-9], LIST.encode() + b"\xff.example,see\n"):
        path.write_bytes(bad)
        with pytest.raises(JobError, match=r"domains\.csv\.gz"):
            Misinformation(domains=str(path)).list_files()


def test_agreement_can_be_asked_by_language():
    """Wish 7: a model that knows English says less of other captions."""
    rows = [{"measures": {"clip_score": {"score": 0.15}, "language": {"label": label, "score": 0.9}}} for label in ("en", "de", "fr")]
    subject = Misinformation(min_agreement=0.2, by_language={"de": {"min_agreement": 0.1}, "fr": {"min_agreement": None}}, action="reject")
    check_filter(subject, rejects=rows[:1], keeps=rows[1:])
    check_filter(Misinformation(by_language={"de": {"min_agreement": 0.2}}, action="reject"), rejects=rows[1:2], keeps=[rows[0], rows[2]])


@pytest.mark.parametrize("own", [{"xx": {"min_agreement": 0}}, {"de": {"min": 0}}, {"de": {"min_agreement": 2}}])
def test_bounds_by_language_that_cannot_be_meant_are_refused(own):
    with pytest.raises(ValueError, match="by_language"):
        Misinformation(by_language=own)


def test_a_list_that_is_not_there_is_missed():
    with pytest.raises(MissingError, match="put the list there"):
        Misinformation(domains="/nowhere.csv").list_files()
