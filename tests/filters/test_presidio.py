import pickle
import re
import sys

import pytest
from pydantic import ValidationError

from schemas.errors import JobError, MissingError
from tests.filters.conformance import batch_of, check_filter, judged
from transforms.filters.presidio import Presidio
from transforms.models.artefacts import package_version

NHS = "NHS 401 023 2137"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A spaCy pipeline that knows one name."""
    spacy = pytest.importorskip("spacy", reason="needs the extra presidio")
    pytest.importorskip("presidio_analyzer", reason="needs the extra presidio")
    folder = tmp_path_factory.mktemp("pipelines") / "names"
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Jane Example"}])
    nlp.to_disk(folder)
    return folder


def rows(*captions):
    return [{"caption": caption, "measures": {"language": {"label": "en", "score": 0.9}}} for caption in captions]


def test_names_and_national_numbers_are_flagged_or_rejected(pipeline):
    subject = Presidio(entities=["PERSON", "UK_NHS"], pipeline=str(pipeline), action="reject")
    check_filter(subject, keeps=[*rows("a red kite", None, "4111 1111 1111 1111"), {}], rejects=rows("Jane Example with her dog", NHS))
    found = subject.measure(batch_of(rows(f"Jane Example, {NHS}"), subject)).to_pylist()[0]["found"]
    assert [(one["entity"], one["offset"], one["length"]) for one in found] == [("PERSON", 0, 12), ("UK_NHS", 18, 12)]
    assert (Presidio(entities=["UK_NHS"]).action, Presidio(entities=["UK_NHS"]).on_missing, Presidio().on_missing) == (
        "flag",
        "reject",
        "keep",
    )
    assert judged(Presidio(entities=["PERSON"], pipeline=str(pipeline), min_score=0.9), rows("Jane Example")) == [set()]
    assert len(pickle.dumps(subject)) < 2_000


def test_without_a_pipeline_patterns_are_found_and_nothing_unless_it_is_named(pipeline):
    assert judged(Presidio(entities=["UK_NHS"]), rows(f"Jane Example, {NHS}")) == [{"presidio"}]
    assert judged(Presidio(), rows(NHS)) == [set()]
    assert Presidio().models() == ()
    assert [model.name for model in Presidio(entities=["UK_NHS"]).models()] == ["presidio: recognisers"]


def test_captions_in_another_language_are_not_looked_at(pipeline):
    german = [{"caption": NHS, "measures": {"language": {"label": "de", "score": 0.9}}}]
    assert Presidio(entities=["UK_NHS"]).measure(batch_of(german, Presidio())).to_pylist() == [None]


def test_the_manifest_names_the_pipeline_with_a_digest_of_its_files(pipeline, tmp_path):
    own, model = Presidio(entities=["PERSON"], pipeline=str(pipeline)).models()
    assert (own.name, model.name) == ("presidio: recognisers", "presidio: spaCy en_pipeline 0.0.0")
    assert (own.runs_on, model.runs_on) == (package_version("presidio-analyzer"), package_version("spacy"))
    assert re.fullmatch(r"presidio-analyzer \d+\.\d+.*", own.version)
    assert {len(found.sha256) for found in (own, model)} == {64}
    assert Presidio(pipeline="./names").located("/jobs").pipeline == "/jobs/names"
    assert Presidio(pipeline="en_core_web_sm").located("/jobs").pipeline == "en_core_web_sm"


def test_what_presidio_cannot_find_here_is_refused_with_what_it_can(pipeline):
    with pytest.raises(JobError, match=r"finds no PERSON in en; PERSON needs a spaCy pipeline.*UK_NHS"):
        Presidio(entities=["PERSON"]).models()
    with pytest.raises(JobError, match="finds no SHOE_SIZE"):
        Presidio(entities=["SHOE_SIZE"], pipeline=str(pipeline)).models()
    with pytest.raises(MissingError, match="en_core_web_none: there is no such spaCy pipeline"):
        Presidio(entities=["PERSON"], pipeline="en_core_web_none").models()


def test_nothing_that_would_ask_the_network_is_taken():
    with pytest.raises(ValidationError, match="would ask the network about EMAIL_ADDRESS"):
        Presidio(entities=["EMAIL_ADDRESS"])


def test_a_missing_package_names_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(MissingError, match=r"winnow-curation\[presidio\]"):
        Presidio(entities=["CRYPTO"], language="fr").models()
