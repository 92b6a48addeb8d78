import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from schemas.errors import InputError, JobError, MissingError
from tests.builders import encode, jpeg, png
from tests.filters.conformance import batch_of, check_filter
from tests.models.tiny_pair import COLOURS, NO_DIRECTION, WIDTH, write_pair
from transforms.annotate import measured
from transforms.filters.embeddings import Embeddings
from transforms.vectors import cosines, unpack

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Embeddings.model_validate(write_pair(tmp_path_factory.mktemp("pair")))


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return Embeddings.model_validate(write_pair(tmp_path_factory.mktemp("dense"), dense=True))


def vectors(subject, rows, side):
    return unpack(subject.measure(batch_of(rows, subject)).field(side))


def plain(colour):
    return encode(Image.new("RGB", (40, 30), tuple(255 * part for part in COLOURS[colour])), "PNG")


def test_pictures_and_captions_of_one_colour_point_the_same_way_and_of_others_elsewhere(pair):
    rows = [{"image": plain(colour), "caption": f"{colour} {colour}"} for colour in COLOURS]
    (pictures, _), (captions, _) = vectors(pair, rows, "image"), vectors(pair, rows, "text")
    assert cosines(pictures, captions).tolist() == [1.0] * len(COLOURS)
    assert cosines(pictures[:3], captions[[1, 2, 0]]).tolist() == [0.0] * 3


def test_an_embedding_does_not_depend_on_what_shares_its_batch(dense):
    """Law 2: singly, backwards and in one batch of 37 rows, the same bytes; `check_filter` compares them."""
    captions = ["red", "green blue", "yellow " * 30, "grey sky", "blue"]
    check_filter(dense, keeps=[{"image": jpeg(seed=n), "caption": captions[n % 5]} for n in range(37)])


def test_vectors_have_length_one_and_the_width_of_the_model(dense):
    found, rows = vectors(dense, [{"image": png(seed=1), "caption": "red"}, {}, {"image": b"no picture"}], "image")
    assert found.shape == (1, WIDTH)
    assert rows.tolist() == [0]
    assert np.linalg.norm(found.astype(np.float64)) == pytest.approx(1, abs=1e-3)


def test_a_text_longer_than_the_context_is_cut_and_a_shorter_one_filled_up(pair):
    rows = [{"caption": "red " * 6}, {"caption": "red " * 60}, {"caption": "red"}]
    found, _ = vectors(pair, rows, "text")
    assert found.tolist() == [[1, 0, 0]] * 3


def test_a_row_to_which_the_model_gives_no_direction_is_counted_as_a_failure_and_costs_no_other_its_vector(pair):
    batch = batch_of([{"caption": "red"}, {"caption": NO_DIRECTION}, {"caption": "blue"}], pair)
    found, failed = measured(pair, batch)
    assert failed == {1: "ArithmeticError"}
    assert unpack(found.field("text"))[1].tolist() == [0, 2]
    assert pair.on_missing == "reject"


def test_given_columns_are_taken_where_no_encoder_is_named():
    rows = [
        {"image_embedding": [3.0, 4.0]},
        {"image_embedding": None},
        {"image_embedding": [0.0, 0.0]},
        {"image_embedding": [float("nan"), 1]},
    ]
    subject = Embeddings()
    found, at = vectors(subject, rows, "image")
    assert at.tolist() == [0]
    assert found[0] == pytest.approx([0.6, 0.8], abs=1e-3)
    check_filter(subject, keeps=rows)
    assert subject.on_missing == "keep"


def test_a_given_column_of_two_widths_or_of_text_is_refused_by_its_role():
    for column in ([[1.0], [1.0, 2.0]], ["a", "b"]):
        rows = [{"text_embedding": value} for value in column]
        with pytest.raises(InputError, match=r"source\.columns\.text_embedding"):
            Embeddings().measure(batch_of(rows))


def test_without_a_model_nothing_is_measured():
    check_filter(Embeddings(), keeps=[{"image": jpeg(), "caption": "red"}])
    assert not Embeddings().models()


def test_the_manifest_names_the_model_and_every_file_of_it(pair):
    assert [found.name for found in pair.models()] == [
        "embeddings: tiny 1.0, image", "embeddings: tiny 1.0, text", "embeddings: tiny 1.0, text, tokenizer",
    ]  # fmt: skip


def changed(pair, side, **values):
    return pair.model_copy(update={side: getattr(pair, side).model_copy(update=values)})


def test_a_file_that_is_missing_or_another_one_is_refused_with_the_key_to_mend(pair):
    for side, values in (("image", {"path": "/nowhere.onnx"}), ("text", {"sha256": "0" * 64}), ("text", {"tokenizer_sha256": "0" * 64})):
        with pytest.raises(MissingError, match=r"embeddings: tiny 1\.0.*filters\.embeddings"):
            changed(pair, side, **values).models()


def test_a_spec_that_does_not_fit_its_graph_is_found_before_the_run(pair):
    for side, values in (
        ("image", {"input": "elsewhere"}),
        ("image", {"size": 9}),
        ("text", {"context_length": 5}),
        ("text", {"output": "x"}),
    ):
        with pytest.raises(JobError, match=rf"filters\.embeddings\.{side}: the spec does not fit"):
            changed(pair, side, **values).models()


def test_halves_of_two_models_are_no_pair(pair, dense):
    with pytest.raises(JobError, match="image gives 3 numbers and text 32"):
        pair.model_copy(update={"text": dense.text}).models()


def test_a_gpu_that_is_not_there_is_missed_with_the_cure(pair):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is one")
    with pytest.raises(MissingError, match=r"set filters\.embeddings\.device: cpu"):
        pair.model_copy(update={"device": "cuda"}).models()


def test_keys_that_there_are_not_are_refused():
    for wrong in ({"image": {"path": "a"}}, {"device": "tpu"}, {"text": {"path": "a", "sha256": "b"}}):
        with pytest.raises(ValidationError):
            Embeddings.model_validate(wrong)
