import hashlib
import io
import json

import pytest
from PIL import Image
from pydantic import ValidationError

from schemas.errors import JobError
from tests.filters.conformance import batch_of, check_filter, findings, judged
from tests.models.tiny_onnx import one_box
from tests.shared_data import shared
from transforms.filters.faces import Faces, given_boxes
from transforms.filters.nsfw import Nsfw


def picture(width=200, height=100):
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "JPEG")
    return out.getvalue()


def measured(subject, *rows):
    return [row and row["boxes"] for row in subject.measure(batch_of(rows, subject)).to_pylist()]


@pytest.fixture
def detector(tmp_path):
    """The spec of a detector that sees the same face in every picture: a box of a fifth by a tenth in the upper left of its square."""
    raw = one_box(side=10, box=(2, 1, 2, 1), scores=(0.1, 0.75))
    (tmp_path / "one.onnx").write_bytes(raw)
    told = {"name": "one face", "path": "one.onnx", "sha256": hashlib.sha256(raw).hexdigest(), "size": 10, "resize": "pad"}
    (tmp_path / "one.yaml").write_text(json.dumps({**told, "head": "detections", "classes": [0], "faces": [1]}))
    return tmp_path / "one.yaml"


def test_boxes_of_a_column_are_counted_and_kept_in_pixels():
    rows = [
        {"image": picture(), "face_boxes": [[0.1, 0.2, 0.15, 0.5], [0.9, 0.9, 1.0, 1.0]]},
        {"image": picture(), "face_boxes": [[20.0, 20.0, 30.0, 50.0]]},
        {"image": picture(), "face_boxes": []},
        {"image": picture()},
        {"face_boxes": [[0.1, 0.2, 0.15, 0.5]]},
    ]
    subject = Faces()
    box = {"left": 20, "top": 20, "width": 10, "height": 30, "score": 1.0}
    corner = {"left": 180, "top": 90, "width": 20, "height": 10, "score": 1.0}
    assert measured(subject, *rows) == [[box, corner], [box], [], None, None]
    assert judged(subject, rows) == [{"faces"}, {"faces"}, set(), set(), set()]
    [flag] = findings(subject, batch_of(rows, subject), subject.measure(batch_of(rows, subject)))
    assert (flag.kind, flag.rows.tolist(), flag.scores.tolist()) == ("flag", [0, 1], [2.0, 1.0])


def test_a_box_that_sticks_out_of_the_picture_is_cut_to_it_and_still_told_in_shares():
    rows = [{"image": picture(), "face_boxes": boxes} for boxes in ([[0.9, 0.5, 1.05, 0.8]], [[-0.02, 0.0, 0.1, 0.1]])]
    assert [[(box["left"], box["width"]) for box in boxes] for boxes in measured(Faces(), *rows)] == [[(180, 20)], [(0, 20)]]


def test_the_job_says_whether_faces_are_reported_blurred_or_rejected():
    rows = [{"image": picture(), "face_boxes": [[0.1, 0.2, 0.3, 0.5]]}, {"image": picture(), "face_boxes": []}]
    assert judged(Faces(), rows) == [{"faces"}, set()]
    assert judged(Faces(find="column", do="blur"), rows) == [{"faces", "blurred:faces"}, set()]
    check_filter(Faces(find="column", do="reject"), keeps=rows[1:], rejects=rows[:1])
    assert judged(Faces(min_share=0.07), rows) == [set(), set()]
    assert (Faces().on_missing, Faces(find="column", do="blur").on_missing) == ("keep", "reject")
    for do in ("blur", "reject"):
        with pytest.raises(ValidationError, match=f"do: {do} needs find"):
            Faces(do=do)


def test_faces_that_must_not_be_seen_are_not_passed_where_no_box_is_known():
    subject = Faces(find="column", do="blur")
    for value in (None, "no boxes", [[1, 2, 3]], [[0.1, 0.2, float("nan"), 1]], [[0.5, 0.1, 0.2, 0.4]], [[900.0, 20.0, 950.0, 60.0]]):
        with pytest.raises(ValueError, match=r"Expecting|box"):
            subject.measure(batch_of([{"image": picture(), "face_boxes": value}], subject))


def test_a_box_is_cut_to_the_picture_and_an_empty_one_is_none():
    shown = batch_of([{"image": picture()}]).pictures[0]
    assert given_boxes([[150, 50, 300, 400], [3, 3, 3, 9]], shown, needed=True) == [
        {"left": 150, "top": 50, "width": 50, "height": 50, "score": 1.0}
    ]
    assert given_boxes("[[0, 0, 1, 0.5]]", shown, needed=True) == [{"left": 0, "top": 0, "width": 200, "height": 50, "score": 1.0}]


def test_a_detector_of_ones_own_finds_faces_and_its_weak_boxes_are_none(detector):
    subject = Faces(find=str(detector), do="reject")
    assert [model.name for model in subject.models()] == ["one face", "one face, spec"]
    rows = [{"image": picture()}, {"image": None}, {"image": b"<html>"}]
    assert measured(subject, *rows) == [[{"left": 20, "top": 10, "width": 40, "height": 20, "score": 0.75}], None, None]
    check_filter(subject, rejects=rows[:1], keeps=rows[1:])
    assert judged(Faces(find=str(detector), do="reject", min_score=0.8), rows) == [set()] * 3
    assert Faces(find="one.yaml").located(str(detector.parent)).find == str(detector)
    assert Faces(find="column").located("/elsewhere").find == "column"


def test_faces_that_the_nsfw_model_saw_are_counted_without_another_look(detector, monkeypatch):
    nsfw = Nsfw(image_model=str(detector))
    rows = [{"image": picture()}, {}]
    for subject in (Faces(), Faces(find=str(detector))):
        batch = batch_of(rows, subject)
        batch.filters = {"nsfw": nsfw}
        batch.measures["nsfw"] = nsfw.measure(batch_of(rows, nsfw))
        monkeypatch.setattr("transforms.models.onnx_classifier.look", None)
        found = subject.measure(batch).to_pylist()
        monkeypatch.undo()
        assert found == [{"boxes": [{"left": 20, "top": 10, "width": 40, "height": 20, "score": 0.75}]}, None]


def test_faces_that_the_nsfw_model_saw_count_where_the_column_has_no_boxes(detector):
    nsfw = Nsfw(image_model=str(detector))
    rows = [{"image": picture(), "face_boxes": boxes} for boxes in (None, [], [[0.0, 0.0, 0.5, 0.5]])]
    batch = batch_of(rows, Faces())
    batch.filters = {"nsfw": nsfw}
    batch.measures["nsfw"] = nsfw.measure(batch_of(rows, nsfw))
    assert [row["boxes"][0]["score"] if row["boxes"] else None for row in Faces().measure(batch).to_pylist()] == [0.75, None, 1.0]


def test_a_model_that_knows_no_faces_is_refused(detector):
    spec = json.loads(detector.read_text())
    del spec["faces"]
    detector.write_text(json.dumps(spec))
    with pytest.raises(JobError, match="names no classes of faces"):
        Faces(find=str(detector)).models()


@pytest.mark.shared
def test_nudenet_finds_the_faces_of_a_photo():
    pytest.importorskip("nudenet", reason="needs the extra nudenet")
    subject = Faces(find="nudenet")
    rows = [{"image": shared("data", "photos", "coco", "000000000110.jpg").read_bytes()}]
    assert [len(boxes) for boxes in measured(subject, *rows)] == [2]
    assert judged(subject, rows) == [{"faces"}]
