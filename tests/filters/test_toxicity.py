import hashlib
import importlib.resources
import importlib.util
import pathlib

import fasttext
import numpy as np
import pytest
from pydantic import ValidationError

from schemas.errors import JobError, MissingError
from tests.filters.conformance import batch_of, check_filter, findings, judged
from transforms.filters.toxicity import FIELDS, Toxicity
from transforms.models import detoxify_classifier, fasttext_classifier
from transforms.models.artefacts import package_version
from transforms.text.caption import for_toxicity, normal_form

ABUSE = (
    "you are a fucking idiot, go kill yourself",
    "what a stupid piece of shit",
    "Shut the fuck up, you worthless bitch",
    "all of them are fucking scum and should be shot",
)
CAPTIONS = (
    "a red kite over the beach",
    "Two dogs run along the shore",
    "a young woman in a black dress smiling at the camera",
    "portrait of a muslim family in Berlin",
)
NAMES_AND_PLACES = (
    "Portrait of Nishit Shah at his desk",
    "Shital Patel, engineer",
    "Scunthorpe town hall",
    "Dick Van Dyke in 1964",
    "blue tit and great tit on a feeder",
    "chicken breast with herbs",
    "St Pancras cockpit tour",
    "who is selling pots",
    "map of Pakistan and Egypt",
)
DIGEST = "0" * 64
with_detoxify = pytest.mark.skipif(importlib.util.find_spec("detoxify") is None, reason='needs pip install "winnow-curation[detoxify]"')


def rows(*captions):
    return [{"caption": caption} for caption in captions]


def scored(subject, *captions):
    return [found and found["score"] for found in subject.measure(batch_of(rows(*captions), subject)).to_pylist()]


def shipped():
    return str(importlib.resources.files("transforms.models") / "toxicity" / "model.bin")


def digest_of(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_abuse_is_rejected_and_captions_are_kept():
    check_filter(Toxicity(), keeps=rows(*CAPTIONS, "", None), rejects=rows(*ABUSE))


def test_peoples_names_and_places_are_profanity():
    """A16."""
    check_filter(Toxicity(), keeps=rows(*NAMES_AND_PLACES))
    assert max(scored(Toxicity(), *NAMES_AND_PLACES)) < 0.5


def test_names_that_the_user_lists_are_not_scored():
    plain, listed = Toxicity(), Toxicity(allow=("Fucking village", "BITCHE"))
    assert scored(listed, "Fucking  village in Austria", "station of Bitche") == scored(plain, "in Austria", "station of")
    assert scored(listed, "you bitchest fuck") == scored(plain, "you bitchest fuck")
    assert Toxicity(allow=("笨蛋",)).shown("这家笨蛋店") == "这家 店"  # a script without spaces shows no end of a word


def test_a_caption_in_a_language_that_the_model_does_not_know_is_not_scored():
    german, undetermined = "Zwei junge Männer stehen im Garten", "fuck off"
    assert scored(Toxicity(), german, "", None, "  ", "https://a.example/fuck") == [None] * 5
    assert scored(Toxicity(), undetermined)[0] > 0.9
    assert scored(Toxicity(languages=("de",)), german, ABUSE[0])[1] is None
    assert scored(Toxicity(languages=("de",)), german)[0] is not None
    judged_rows = [{"caption": ABUSE[0], "measures": {"language": measure}} for measure in ({"label": "fr", "score": 0.9}, None)]
    assert judged(Toxicity(), judged_rows) == [set(), {"toxicity"}]


def test_links_and_names_do_not_change_a_score_but_entities_and_invisible_letters_are_undone():
    [plain, *dressed] = scored(
        Toxicity(), "you idiot", "@some_bitch you idiot", "you idiot https://a.example/whore", "YOU\nIDI\u00adOT", "you&nbsp;idiot"
    )
    assert dressed == [plain] * 4


def test_the_evidence_is_the_score_and_the_bound():
    batch = batch_of(rows(CAPTIONS[0], ABUSE[0], None), Toxicity())
    [found] = findings(Toxicity(max=0.5), batch, Toxicity().measure(batch))
    assert (found.word, found.rows.tolist(), found.threshold) == ("toxicity", [1], 0.5)
    assert found.scores[0] == round(found.scores[0], 4)


def test_the_shipped_model_is_the_one_that_the_card_describes():
    [model] = Toxicity().models()
    assert model.name == "toxicity: shipped"
    assert pathlib.Path(model.path).stat().st_size < 3_000_000
    card = (pathlib.Path(model.path).parent / "MODEL.md").read_text(encoding="utf-8")
    assert model.sha256 in card


def test_a_row_that_a_chosen_model_fails_on_is_rejected_and_one_that_the_shipped_model_fails_on_is_kept():
    assert Toxicity().on_missing == Toxicity(model="shipped").on_missing == "keep"
    assert Toxicity(model="mine.bin").on_missing == Toxicity(model="detoxify:original").on_missing == "reject"
    assert Toxicity(model="mine.bin", on_missing="keep").on_missing == "keep"


def test_a_fasttext_model_of_ones_own_is_scored_by_its_label(tmp_path):
    mine = {"model": str(tmp_path / "mine.bin"), "sha256": Toxicity().models()[0].sha256}
    pathlib.Path(mine["model"]).write_bytes(pathlib.Path(shipped()).read_bytes())
    assert scored(Toxicity(**mine), *ABUSE) == scored(Toxicity(), *ABUSE)
    clean = Toxicity(**mine, label="clean")
    assert np.allclose(np.add(scored(clean, *ABUSE), scored(Toxicity(), *ABUSE)), 1, atol=2e-4)
    assert scored(Toxicity(**mine), "Zwei junge Männer stehen im Garten")[0] is not None
    [model] = Toxicity(**mine).models()
    assert (model.name, model.sha256) == ("toxicity: fastText", mine["sha256"])
    with pytest.raises(JobError, match=r"filters\.toxicity\.label: .* has no label hate; it has clean, toxic"):
        Toxicity(**mine, label="hate").models()


@pytest.mark.parametrize("model", ["mine.bin", "mine.ftz", "mine.onnx", "detoxify:mine.ckpt"])
def test_a_model_that_a_job_names_by_path_is_loaded_by_its_digest_only_and_the_error_tells_it(model, tmp_path):
    subject = Toxicity(model=model).located(str(tmp_path))
    lies = tmp_path / model.removeprefix("detoxify:")
    lies.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    there = digest_of(lies)
    with pytest.raises(
        JobError, match=rf"filters\.toxicity\.sha256 .*is missing: .*/{lies.name} has SHA-256 {there}\. .*add `sha256: {there}`"
    ):
        subject.models()
    other = subject.model_copy(update={"sha256": DIGEST})
    for load in (other.models, lambda: other.score_texts(["text"])):
        with pytest.raises(MissingError, match=f"has SHA-256 {there}, not {DIGEST}"):
            load()


def test_a_model_that_is_not_there_stops_the_job(tmp_path):
    with pytest.raises(MissingError, match=r"none\.bin cannot be read .*Name the path of a fastText model"):
        Toxicity(model=str(tmp_path / "none.bin")).models()
    with pytest.raises(MissingError, match=r"none\.ckpt cannot be read .*Name the path of a Detoxify checkpoint"):
        Toxicity(model=f"detoxify:{tmp_path / 'none.ckpt'}", sha256=DIGEST).models()


def test_a_checkpoint_is_never_unpickled_unless_the_job_names_its_digest(tmp_path):
    poisoned = tmp_path / "mine.ckpt"
    poisoned.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    subject = Toxicity(model=f"detoxify:{poisoned}", sha256=DIGEST)
    with pytest.raises(MissingError, match="not 0000"):
        subject.measure(batch_of(rows(*ABUSE), subject))
    unnamed = Toxicity(model=f"detoxify:{poisoned}")
    with pytest.raises(JobError, match="is missing"):
        unnamed.measure(batch_of(rows(*ABUSE), unnamed))


@pytest.mark.parametrize("model", ["detoxify", "perspective", "model.pt", ""])
def test_an_unknown_model_is_refused_and_the_known_ones_are_named(model):
    with pytest.raises(ValidationError, match=r"name shipped, detoxify:original, detoxify:PATH, or a fastText file"):
        Toxicity(model=model)


def test_paths_are_those_of_the_job_file():
    assert Toxicity(model="m/mine.bin").located("/jobs").model == "/jobs/m/mine.bin"
    assert Toxicity(model="/m/mine.bin").located("/jobs").model == "/m/mine.bin"
    assert Toxicity(model="detoxify:mine.ckpt", sha256=DIGEST).located("/jobs").model == "detoxify:/jobs/mine.ckpt"
    for model in ("shipped", "detoxify:multilingual"):
        assert Toxicity(model=model).located("/jobs").model == model


def test_scores_are_those_of_fasttext_itself():
    plain = fasttext.load_model(shipped())
    for caption in (*ABUSE, *CAPTIONS, *NAMES_AND_PLACES):
        labels, probabilities = plain.predict(for_toxicity(normal_form(caption)), k=2)
        expected = min(dict(zip(labels, probabilities, strict=True))["__label__toxic"], 1.0)
        assert scored(Toxicity(), caption) == [round(expected, 4)]


@pytest.mark.skipif(importlib.util.find_spec("detoxify") is not None, reason="detoxify is installed")
def test_detoxify_without_its_package_stops_the_job_and_names_the_extra(tmp_path):
    with pytest.raises(MissingError, match=r'pip install "winnow-curation\[detoxify\]"'):
        Toxicity(model="detoxify:original").models()
    with pytest.raises(MissingError, match=r'pip install "winnow-curation\[detoxify\]"'):
        detoxify_classifier.load(str(tmp_path / "any.ckpt"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A BERT of 2 layers trained on a few lines, as Detoxify stores its models."""
    pytest.importorskip("detoxify")
    from tests.benchmarks.tiny_detoxify import train

    texts = [normal_form(text) for text in (*ABUSE, *CAPTIONS, "zwei junge männer", "i will kill you", "all gays are scum")]
    labels = [(1, 0, 0)] * 4 + [(0, 0, 0)] * 5 + [(1, 0, 1), (1, 1, 0)]
    return train(
        texts * 8, labels * 8, tmp_path_factory.mktemp("tiny"), vocabulary=200, hidden=64, epochs=45, batch=8, rate=1e-3, positions=24
    )


def detoxify_of(checkpoint, **options):
    return Toxicity(model=f"detoxify:{checkpoint}", sha256=hashlib.sha256(checkpoint.read_bytes()).hexdigest(), **options)


@pytest.mark.extra
@with_detoxify
def test_detoxify_scores_are_those_of_the_package_in_any_batch(checkpoint):
    from detoxify import Detoxify

    subject = detoxify_of(checkpoint)
    check_filter(subject, keeps=rows("", None, "https://a.example"))
    captions = [*ABUSE, *CAPTIONS, "zwei junge männer", *ABUSE, *CAPTIONS * 8]
    texts = [for_toxicity(normal_form(caption)) for caption in captions]
    own = Detoxify(checkpoint=str(checkpoint))
    expected = [own.predict(text) for text in texts]
    found = subject.score_texts(texts)
    assert set(found) == {"score", "identity_attack", "threat"}
    for ours, theirs in (("score", "toxicity"), ("identity_attack", "identity_attack"), ("threat", "threat")):
        assert np.allclose(found[ours], [scores[theirs] for scores in expected], rtol=0, atol=1e-5)
    assert np.std(found["score"]) > 0.01
    stored = scored(subject, *captions)
    assert np.allclose(stored, found["score"], rtol=0, atol=5.1e-5)
    assert np.allclose([scored(subject, caption)[0] for caption in captions], stored, rtol=0, atol=2e-4)
    assert subject.models()[0].name == f"toxicity: detoxify:{checkpoint}"


@pytest.mark.extra
@with_detoxify
def test_every_score_has_a_bound_of_its_own(checkpoint):
    captions = rows("all gays are scum", "i will kill you", CAPTIONS[0])
    [gays, kill, kite] = detoxify_of(checkpoint).measure(batch_of(captions, detoxify_of(checkpoint))).to_pylist()
    assert set(gays) == {*FIELDS}
    assert (gays["sexual"], kill["threat"] > kite["threat"], gays["identity_attack"] > kite["identity_attack"]) == (None, True, True)
    subject = detoxify_of(checkpoint, max=1.0, max_identity_attack=kill["identity_attack"], max_threat=kite["threat"])
    batch = batch_of(captions, subject)
    told = {part.details: (part.rows.tolist(), part.threshold) for part in findings(subject, batch, subject.measure(batch))}
    expected = {"identity_attack": [0], "threat": [1]} if gays["identity_attack"] > kill["identity_attack"] else {"threat": [0, 1]}
    assert {name: rows for name, (rows, _) in told.items()} == expected
    assert told["threat"][1] == kite["threat"]
    packages = [package_version(name) for name in ("detoxify", "transformers", "torch")]
    assert detoxify_of(checkpoint).models()[0].runs_on == ", ".join((*packages, "cpu"))
    with pytest.raises(JobError, match=r"filters\.toxicity\.max_sexual: .* gives no score sexual; it gives score, identity_attack, threat"):
        detoxify_of(checkpoint, max_sexual=0.5).models()


@pytest.mark.extra
@with_detoxify
@pytest.mark.parametrize("int8", [False, True])
def test_an_exported_model_scores_as_the_checkpoint_does_and_needs_no_pickle(checkpoint, tmp_path, int8):
    pytest.importorskip("onnxscript")
    from transforms.models.export_detoxify import export

    model = detoxify_classifier.load(str(checkpoint))
    export(model, str(tmp_path / "tiny.onnx"), int8=int8)
    subject = Toxicity(model=str(tmp_path / "tiny.onnx"), sha256=digest_of(tmp_path / "tiny.onnx"))
    check_filter(subject, keeps=rows("", None))
    texts = [for_toxicity(normal_form(text)) for text in (*ABUSE, *CAPTIONS, "a red kite " * 200)]
    found, expected = subject.score_texts(texts), detoxify_classifier.scores(model, texts)
    for name, values in expected.items():
        assert np.allclose(found[name], values, rtol=0, atol=0.1 if int8 else 1e-5)
        alone = [subject.score_texts([text])[name][0] for text in texts]
        assert np.allclose(found[name], alone, rtol=0, atol=0 if int8 else 1e-5)
    assert subject.models()[0].name == "toxicity: ONNX"


@pytest.mark.extra
@with_detoxify
def test_a_gpu_that_is_not_there_stops_the_job(checkpoint):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(MissingError, match=r"set filters\.toxicity\.device: cpu"):
        detoxify_classifier.load(str(checkpoint), "cuda")


@pytest.mark.extra
@with_detoxify
def test_a_gpu_gives_the_scores_of_the_processor(checkpoint):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is none")
    texts = [for_toxicity(normal_form(text)) for text in (*ABUSE, *CAPTIONS, "a red kite " * 200)]
    here, there = (detoxify_classifier.scores(detoxify_classifier.load(str(checkpoint), device), texts) for device in ("cpu", "cuda"))
    alone = [detoxify_classifier.scores(detoxify_classifier.load(str(checkpoint), "cuda"), [text])["score"][0] for text in texts]
    for name, values in here.items():
        assert np.allclose(there[name], values, rtol=0, atol=1e-5)
    assert np.allclose(there["score"], alone, rtol=0, atol=1e-5)
    subject = detoxify_of(checkpoint, device="cuda")
    assert subject.models()[0].runs_on.endswith("cuda")


def test_a_bound_on_a_score_that_the_model_does_not_give_is_refused():
    with pytest.raises(ValidationError, match="max_threat: shipped gives no score threat; it gives score"):
        Toxicity(max_threat=0.5)
    with pytest.raises(ValidationError, match="max_sexual: detoxify:original gives no score sexual"):
        Toxicity(model="detoxify:original", by_language={"en": {"max_sexual": 0.5}})
    assert Toxicity(model="detoxify:unbiased", max_sexual=0.5).max_sexual == 0.5
    with pytest.raises(ValidationError, match="device: shipped is a fastText model"):
        Toxicity(device="cuda")


def test_captions_of_a_language_have_bounds_of_their_own():
    captions = [{"caption": ABUSE[0], "measures": {"language": {"label": label, "score": 0.9}}} for label in ("en", "de", "und")]
    loose = Toxicity(languages=("en", "de"), by_language={"de": {"max": 1.0}, "und": {"max": 0.2}})
    assert judged(loose, captions) == [{"toxicity"}, set(), {"toxicity"}]
    batch = batch_of(captions, loose)
    assert [(part.rows.tolist(), part.threshold) for part in findings(loose, batch, loose.measure(batch))] == [([2], 0.2), ([0], 0.9)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"deutsch": {"max": 0.5}}, "'deutsch' is no language that the model knows"),
        ({"de": {"min": 0.5}}, "by_language.de: there is no bound 'min'; there are max, max_identity_attack"),
        ({"de": {"max": 1.5}}, "by_language.de.max: Input should be less than or equal to 1"),
    ],
)
def test_a_bound_of_a_language_is_checked_like_any_other(given, told):
    with pytest.raises(ValidationError, match=told):
        Toxicity(by_language=given)


@pytest.mark.extra
@with_detoxify
def test_a_caption_longer_than_the_model_reads_is_scored_by_its_beginning(checkpoint):
    model = detoxify_classifier.load(str(checkpoint))
    assert len(detoxify_classifier.scores(model, ["a red kite " * 500, "a red kite"])["score"]) == 2


def with_config(checkpoint, folder, section, **changed):
    """The path of a checkpoint of which the configuration says something else."""
    import torch

    stored = torch.load(checkpoint, weights_only=True)
    stored["config"][section]["args"].update(changed)
    torch.save(stored, folder / "other.ckpt")
    return str(folder / "other.ckpt")


@pytest.mark.extra
@with_detoxify
def test_a_checkpoint_whose_tokenizer_is_elsewhere_names_the_cure(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    other = with_config(checkpoint, tmp_path, "arch", model_type="nobody/has-this-model")
    with pytest.raises(MissingError, match="names a tokenizer and a configuration that are not on this machine"):
        detoxify_classifier.load(other)


@pytest.mark.extra
@with_detoxify
def test_a_model_without_a_class_toxicity_is_refused(checkpoint, tmp_path):
    other = with_config(checkpoint, tmp_path, "dataset", classes=["hate", "fear"])
    with pytest.raises(JobError, match="has the classes hate, fear, and none is toxicity"):
        detoxify_classifier.load(other)


@pytest.mark.extra
@with_detoxify
def test_weights_that_the_package_has_not_fetched_stop_the_job_and_others_do_not_pass_for_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingError, match=r"toxic_original-c1212f89\.ckpt cannot be read .*detoxify\.Detoxify\('original'\)"):
        Toxicity(model="detoxify:original").models()
    other = tmp_path / "hub" / "checkpoints" / "toxic_original-c1212f89.ckpt"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"something else")
    with pytest.raises(MissingError, match="not c1212f89"):
        Toxicity(model="detoxify:original").models()
    digest = hashlib.sha256(b"something else").hexdigest()
    assert Toxicity(model="detoxify:original", sha256=digest).models()[0].sha256 == digest


def test_a_model_is_read_once_per_process():
    assert fasttext_classifier.load(shipped()) is fasttext_classifier.load(shipped())
