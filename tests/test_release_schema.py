"""One schema for everything a run publishes."""

import itertools

import pyarrow as pa
import pytest

from transforms.release_schema import conform, join_types, release_schema

WIDE = {b"winnow.wide": b"1"}


def kind(schemas, name):
    found = release_schema([("main", pa.schema(s), {}) for s in schemas], (), images=True)
    return found.schema.field(name).type, found.conflicts


def test_int32_beside_double_and_float_beside_double_are_promoted():
    """D19: a pandas column with one null is double in one shard and int in the next."""
    for order in itertools.permutations(
        [[("height_mm", pa.int32()), ("punsafe", pa.float32())], [("height_mm", pa.float64()), ("punsafe", pa.float64())]]
    ):
        assert kind(order, "height_mm") == (pa.float64(), {})
        assert kind(order, "punsafe") == (pa.float64(), {})


def test_ids_beyond_what_a_double_holds_are_a_conflict_and_not_rounded():
    """D19: SAMPLE_ID 9007199254740993 beside a double column."""
    wide = pa.field("SAMPLE_ID", pa.int64(), metadata=WIDE)
    found, conflicts = kind([[wide], [("SAMPLE_ID", pa.float64())]], "SAMPLE_ID")
    assert found == pa.string()
    assert set(conflicts) == {"SAMPLE_ID"}
    assert conform(pa.array([9007199254740993]), found).to_pylist() == ["9007199254740993"]


def test_wide_integers_among_integers_stay_integers():
    assert kind([[pa.field("id", pa.int64(), metadata=WIDE)], [("id", pa.int32())]], "id") == (pa.int64(), {})


def test_unsigned_integers_beyond_every_signed_one_stay_what_they_are():
    wide = pa.field("hash", pa.uint64(), metadata=WIDE)
    assert kind([[wide], [("hash", pa.uint64())], [("hash", pa.uint8())]], "hash") == (pa.uint64(), {})
    found, conflicts = kind([[wide], [("hash", pa.int64())]], "hash")
    assert found == pa.string()
    assert set(conflicts) == {"hash"}
    assert conform(pa.array([2**64 - 1], pa.uint64()), found).to_pylist() == [str(2**64 - 1)]


def test_the_order_of_shards_does_not_decide_a_type():
    shards = [[("n", pa.uint64())], [("n", pa.int32())], [("n", pa.float64())]]
    assert {str(kind(list(order), "n")[0]) for order in itertools.permutations(shards)} == {"double"}


def test_nulls_inside_lists_and_structs_give_way_in_any_order():
    """D23: "tags": [] and "http": {"tdm": null} in one shard, values in another, a null-typed column in a third."""
    a = [("tags", pa.list_(pa.null())), ("http", pa.struct([("tdm", pa.null())])), ("text", pa.null())]
    b = [("tags", pa.list_(pa.string())), ("http", pa.struct([("tdm", pa.string())])), ("text", pa.large_string())]
    for order in itertools.permutations([a, b, []]):
        assert kind(order, "tags")[0] == pa.list_(pa.string())
        assert kind(order, "http")[0] == pa.struct([("tdm", pa.string())])
        assert kind(order, "text")[0] == pa.string()


def test_names_that_collide_whatever_their_case_are_told_apart():
    """D22: UID, SHA256 and Weight of the source beside ours; url and URL of one file."""
    schema = pa.schema(
        [("UID", pa.string()), ("SHA256", pa.string()), ("Weight", pa.float64()), ("url", pa.string()), ("URL", pa.string())]
    )
    found = release_schema([("main", schema, {"url": "url"})], (), images=True)
    assert found.columns["main"] == {"UID": "source_UID", "SHA256": "source_SHA256", "Weight": "source_Weight", "URL": "source_URL"}
    names = [name.casefold() for name in found.schema.names]
    assert len(names) == len(set(names))


def test_mapped_and_dropped_columns_are_not_repeated():
    schema = pa.schema([("TEXT", pa.string()), ("exif", pa.string()), ("WIDTH", pa.int32()), ("similarity", pa.float64())])
    found = release_schema([("main", schema, {"caption": "TEXT", "width": "WIDTH"})], ("exif",), images=False)
    assert found.columns["main"] == {"similarity": "similarity"}
    assert "image" not in found.schema.names


def test_text_beside_numbers_becomes_text_and_is_listed():
    found, conflicts = kind([[("score", pa.string())], [("score", pa.float64())]], "score")
    assert found == pa.string()
    assert conflicts == {"score": ("double", "string")}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([{"a": 1, "b": None}]), pa.struct([("a", pa.float64()), ("b", pa.string()), ("c", pa.int32())])),
        (pa.array([[1], None, []]), pa.list_(pa.float64())),
        (pa.array([1, None], pa.int32()), pa.float64()),
        (pa.array(["a", None]).dictionary_encode(), pa.string()),
    ],
)
def test_arrays_conform_to_the_published_type(values, kind):
    assert conform(values, kind).type == kind
    assert conform(values, kind).null_count == values.null_count


def test_nested_values_that_become_text_are_json():
    assert conform(pa.array([{"a": [1, 2]}, None]), pa.string()).to_pylist() == ['{"a": [1, 2]}', None]


@pytest.mark.parametrize("a", [pa.int8(), pa.uint8(), pa.int32(), pa.uint32(), pa.int64(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("b", [pa.int16(), pa.uint64(), pa.float32(), pa.float64(), pa.null()])
def test_joining_types_does_not_depend_on_order(a, b):
    assert join_types(a, b) == join_types(b, a)
