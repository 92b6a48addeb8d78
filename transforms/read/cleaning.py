"""Columns of a source as everything behind the reader may take them: valid UTF-8, no NaN, one type for texts.

What a column says stays as it is; only what could not be stored or compared is changed, and each change is counted.
"""

import re
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

# What pyarrow raises over a damaged file; the last over names of columns that are not UTF-8.
DAMAGE: Final = (pa.ArrowException, OSError, UnicodeDecodeError)
REPLACED: Final = "text that is not UTF-8: replaced"
_SECRETIVE = re.compile(r"\S*[/@\\]\S*")
_MAX_PROBLEM = 120
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_list_view, pa.types.is_large_list_view)
DISALLOWED: Final = "disallowed by x-robots-tag"  # img2dataset/downloader.py, in `error_message`


def clean_type(kind: pa.DataType) -> pa.DataType:
    """The type under which a column is handed on: dictionaries as their values, all texts `string`, other bytes `binary`.

    >>> clean_type(pa.dictionary(pa.int32(), pa.large_string())), clean_type(pa.list_(pa.string_view()))
    (DataType(string), ListType(list<item: string>))
    """
    if pa.types.is_dictionary(kind):
        return clean_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return clean_type(kind.storage_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if any(is_list(kind) for is_list in _LISTS):
        return pa.list_(clean_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, clean_type(field.type)) for field in kind])
    return kind


def clean(column: pa.Array) -> tuple[pa.Array, int]:
    """A column of type `clean_type`, NaN as null, and the number of values whose text was not UTF-8.

    >>> clean(pa.array([1.5, float("nan"), None]))[0].to_pylist()
    [1.5, None, None]
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    column, replaced = _valid_text(column)
    if column.type != clean_type(column.type):
        column = column.cast(clean_type(column.type))
    if pa.types.is_floating(column.type):
        nan = pc.is_nan(column.cast(pa.float32()) if pa.types.is_float16(column.type) else column)
        column = pc.replace_with_mask(column, pc.fill_null(nan, fill_value=False), pa.scalar(None, column.type))
    return column, replaced


def as_text(column: pa.Array) -> tuple[pa.Array | None, int]:
    """A column as strings, empty and blank ones null, and the number of values that were not UTF-8; None where its type is no text.

    >>> as_text(pa.array([b"a", b"", None]))[0].to_pylist(), as_text(pa.array([7]))[0].to_pylist(), as_text(pa.array([["a"]]))[0]
    (['a', None, None], ['7'], None)
    """
    column, replaced = clean(column)
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string()), 0
    if pa.types.is_binary(column.type) or pa.types.is_fixed_size_binary(column.type):
        column, replaced = _decoded(column.cast(pa.binary()))
    elif pa.types.is_nested(column.type):
        return None, 0
    column = column.cast(pa.string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), pa.scalar(None, pa.string()), column), replaced


def recorded_failures(status: pa.Array | None, error: pa.Array | None, rows: int) -> tuple[list[str | None], list[bool]]:
    """What the downloader recorded: why a row failed (None where it did not), and whether a header forbade the use.

    A message loses every word that could be an address or a path.

    >>> recorded_failures(pa.array(["failed_to_download"]), pa.array(["HTTP Error 404 for http://a/b"]), 1)
    (['failed_to_download: HTTP Error 404 for …'], [False])
    """
    statuses = [None] * rows if status is None else _texts(status)
    errors = [None] * rows if error is None else _texts(error)
    problems: list[str | None] = []
    for state, message in zip(statuses, errors, strict=True):
        failed = state is not None and state.lower().startswith("failed")
        told = ": ".join(part for part in (state, message and _SECRETIVE.sub("…", message)) if part)
        problems.append(told[:_MAX_PROBLEM] if failed else None)
    return problems, [message is not None and DISALLOWED in message.lower() for message in errors]


def valid_text(text: str) -> str:
    r"""Text that UTF-8 can hold: pairs of surrogates joined, lone ones replaced.

    >>> valid_text("a\ud83d\ude00\ud800") == "a\U0001f600\ufffd"
    True
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _texts(column: pa.Array) -> list[Any]:
    texts, _ = as_text(column)
    return [None] * len(column) if texts is None else texts.to_pylist()


def _valid_text(column: pa.Array) -> tuple[pa.Array, int]:
    kind = column.type
    if not _has_text(kind):
        return column, 0
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return _replaced(column)
    return column, 0


def _replaced(column: pa.Array) -> tuple[pa.Array, int]:
    """The column with every invalid text replaced, inside lists and structs too; a nested type beyond these is null."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _decoded(column.cast(pa.large_binary()) if pa.types.is_string_view(kind) else column.view(_bytes_of(kind)))
    if pa.types.is_struct(kind):
        children = [
            _replaced(column.field(place)) if _has_text(field.type) else (column.field(place), 0) for place, field in enumerate(kind)
        ]
        fields = [pa.field(field.name, child.type) for field, (child, _) in zip(kind, children, strict=True)]
        arrays = [child for child, _ in children]
        return pa.StructArray.from_arrays(arrays, fields=fields, mask=column.is_null()), sum(count for _, count in children)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        whole = column.take(pa.array(range(len(column))))  # a slice's nulls cannot be given to `from_arrays`
        values, count = _replaced(whole.values)
        return type(column).from_arrays(whole.offsets, values, mask=whole.is_null()), count
    if _has_text(kind):
        return pa.nulls(len(column), kind), len(column)
    return column, 0


def _decoded(column: pa.Array) -> tuple[pa.Array, int]:
    """Bytes as UTF-8, with U+FFFD where they are none."""
    texts: list[str | None] = []
    replaced = 0
    for raw in column.to_pylist():
        try:
            texts.append(None if raw is None else raw.decode())
        except UnicodeDecodeError:
            texts.append(raw.decode(errors="replace"))
            replaced += 1
    return pa.array(texts, pa.string()), replaced


def _bytes_of(kind: pa.DataType) -> pa.DataType:
    return pa.large_binary() if pa.types.is_large_string(kind) else pa.binary()


def _has_text(kind: pa.DataType) -> bool:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return True
    return pa.types.is_nested(kind) and any(_has_text(kind.field(place).type) for place in range(kind.num_fields))
