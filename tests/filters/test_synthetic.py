"""Pictures that say of themselves that a program made them up, in XMP or C2PA, and what generators leave in files."""

import pytest
from PIL import Image, PngImagePlugin
from pydantic import ValidationError

from tests.consent.manifests import box, cbor_map, cbor_text, in_jpeg, store
from tests.filters.conformance import batch_of, check_filter, findings, judged
from tests.images.side_data import itxt, photo, saved, with_chunks
from transforms.filters.synthetic import Synthetic
from transforms.images.metadata import read_metadata
from transforms.images.source_type import source_types

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SETTINGS = "a red kite over the sea\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x512"


def xmp(term, space="http://iptc.org/std/Iptc4xmpExt/2008-02-29/", *, attribute=False):
    inside = (
        f'e:DigitalSourceType="{VOCABULARY}{term}"/>'
        if attribute
        else (f"><e:DigitalSourceType>{VOCABULARY}{term}</e:DigitalSourceType></rdf:Description>")
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:e="{space}" {inside}</rdf:RDF></x:xmpmeta>'
    ).encode()


def with_xmp(term):
    return saved(photo(), "JPEG", xmp=xmp(term))


def actions(term, label="c2pa.actions.v2"):
    action = cbor_map(action=cbor_text("c2pa.created"), digitalSourceType=cbor_text(VOCABULARY + term))
    return in_jpeg(store((label, cbor_map(actions=bytes([0x81]) + action))))


def text_chunks(**texts):
    chosen = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        chosen.add_text(name, text)
    return saved(photo(), "PNG", pnginfo=chosen)


def with_comment(text):
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    return saved(photo(), "JPEG", exif=block)


GENERATED = [
    with_xmp("trainedAlgorithmicMedia"),
    with_xmp("compositeWithTrainedAlgorithmicMedia"),
    actions("trainedAlgorithmicMedia"),
    actions("algorithmicMedia", "c2pa.actions__1"),
    text_chunks(parameters=SETTINGS),
    text_chunks(prompt='{"3": {"class_type": "KSampler", "inputs": {}}}', workflow="{}"),
    text_chunks(Software="NovelAI", Comment="{}"),
    text_chunks(invokeai_metadata="{}"),
    text_chunks(Description="a red kite --v 6 Job ID: 01234567-89ab-cdef-0123-456789abcdef"),
    with_chunks(saved(photo(), "PNG"), itxt(b"parameters", SETTINGS.encode(), packed=True)),
]
OTHERS = [
    with_xmp("digitalCapture"),
    actions("humanEdits"),
    text_chunks(Software="Adobe Photoshop 25.1", Description="Steps: up to the church", parameters="exposure 1/60"),
    text_chunks(prompt="describe the scene"),
    saved(photo(), "JPEG"),
    b"no picture at all",
]


def test_what_is_declared_or_left_by_a_generator_is_found_and_nothing_else():
    check_filter(Synthetic(action="reject"), keeps=[{"image": raw} for raw in OTHERS] + [{}], rejects=[{"image": raw} for raw in GENERATED])


def test_the_settings_in_exif_of_a_jpeg_are_found():
    assert judged(Synthetic(), [{"image": with_comment(SETTINGS)}]) == [{"synthetic"}]


def test_nothing_is_rejected_unless_the_job_says_so_and_the_evidence_names_the_place():
    assert Synthetic().action == "flag"
    rows = [{"image": raw} for raw in (*OTHERS[:1], GENERATED[0], GENERATED[2], GENERATED[4])]
    batch = batch_of(rows)
    [found] = findings(Synthetic(), batch, Synthetic().measure(batch))
    assert (found.rows.tolist(), found.details) == (
        [1, 2, 3],
        ["XMP DigitalSourceType: trainedAlgorithmicMedia", "C2PA action: trainedAlgorithmicMedia", "parameters: stable diffusion"],
    )


def test_the_job_says_which_terms_count_and_whether_traces_do():
    rows = [{"image": raw} for raw in (GENERATED[0], actions("humanEdits"), GENERATED[4])]
    assert judged(Synthetic(types=["humanEdits"], traces=False), rows) == [set(), {"synthetic"}, set()]
    with pytest.raises(ValidationError, match="nothing is found"):
        Synthetic(types=[], traces=False)


def test_a_term_that_the_vocabulary_has_not_is_refused_since_nothing_would_be_found():
    with pytest.raises(ValidationError, match="no 'trainedAlgoMedia'; there is trainedAlgorithmicMedia"):
        Synthetic(types=["trainedAlgoMedia"])


def test_attributes_count_as_elements_do_and_other_namespaces_do_not():
    def found(**options):
        return source_types(read_metadata(saved(photo(), "JPEG", xmp=xmp("trainedAlgorithmicMedia", **options))))

    assert found(attribute=True) == found() == [("trainedAlgorithmicMedia", "XMP DigitalSourceType")]
    assert found(space="http://example.org/other/") == []


def test_a_manifest_that_does_not_hold_together_says_nothing():
    broken = store(("c2pa.actions", b"\xff\xff"))
    assert source_types(read_metadata(in_jpeg(broken))) == []
    assert source_types(read_metadata(in_jpeg(box(b"jumb", b"junk")))) == []
