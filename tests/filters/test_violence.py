import hashlib

import pyarrow as pa
import pytest
from PIL import Image
from pydantic import ValidationError

from tests.builders import encode
from tests.captions import real_captions
from tests.filters.conformance import batch_of, check_filter, findings, judged
from tests.models.tiny_onnx import mean_of_channels
from transforms.filters.violence import EXCEPTIONS, TERMS, Violence
from transforms.text.terms import HITS, find_terms, first_terms

REJECTING = Violence(action="reject")


def rows(*captions):
    return [{"caption": caption} for caption in captions]


def test_what_announces_violence_is_noticed_and_what_only_sounds_so_is_not():
    check_filter(
        REJECTING,
        keeps=rows(
            "a red kite over the beach", None, "", "Perseus with the severed head of Medusa", "Salome, severed head of John the Baptist",
            "dead leaves", "a killer whale", "murder mystery dinner", "blood orange", "war memorial", "shot glasses", "severed head prop",
        ),
        rejects=rows("Beheading VIDEO leaked", "man stabbed to death in the street", "charred bodies after the attack", "mass graves"),
    )  # fmt: skip


def test_pictures_are_looked_at_where_the_job_names_a_classifier(tmp_path):
    raw = mean_of_channels()
    (tmp_path / "red.onnx").write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    (tmp_path / "red.yaml").write_text(f"name: red\npath: red.onnx\nsha256: {digest}\nsize: 8\nwhite: 1\nclasses: [0]\nthreshold: 0.7\n")
    subject = Violence(image_model="red.yaml", action="reject").located(str(tmp_path))
    assert subject.on_missing == "reject"
    assert [model.name for model in subject.models()] == ["red", "red, spec"]
    red, blue = (encode(Image.new("RGB", (64, 64), colour), "PNG") for colour in ("red", "blue"))
    check_filter(subject, keeps=[{"image": blue}, {}], rejects=[{"image": red}, {"image": blue, "caption": "mass graves"}])
    batch = batch_of([{"image": red, "caption": "mass graves"}, {"image": red}], subject)
    found = [(finding.rows.tolist(), finding.threshold) for finding in findings(subject, batch, subject.measure(batch))]
    assert found == [([0], None), ([1], 0.7)]


def test_nothing_is_rejected_unless_the_job_says_so():
    assert Violence().action == "flag"


def test_words_exceptions_and_languages_of_ones_own_are_obeyed():
    """Wishes 7 and 8."""
    captions = [{"caption": "das Gemetzel", "measures": {"language": {"label": label, "score": 0.9}}} for label in ("de", "nl")] + rows(
        "the lynching of 1911", "mass grave, a black metal band"
    )
    own = Violence(words=["lynching"], words_by_language={"de": ["gemetzel"]}, allow=["mass grave, a black metal"])
    assert judged(own, captions) == [{"violence"}, set(), {"violence"}, set()]
    batch = batch_of(captions, own)
    assert [(part.rows.tolist(), part.details) for part in findings(own, batch, own.measure(batch))] == [
        ([0, 2], ["caption: gemetzel", "caption: lynching"])
    ]
    with pytest.raises(ValidationError, match="no language that the model knows"):
        Violence(words_by_language={"english": ["gore"]})


@pytest.mark.shared
def test_the_list_raises_at_most_two_alarms_in_ten_thousand_captions():
    for texts in real_captions():
        found = first_terms(pa.array([find_terms(text, TERMS) for text in texts], HITS), EXCEPTIONS)
        assert sum(term is not None for term in found) <= 2e-4 * len(texts)
