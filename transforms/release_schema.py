"""The one schema of everything a run publishes, made from what its shards hold before the first row is written.

Null gives way to any type, inside lists and structs too; numbers are promoted where no digit is lost; all text is one type. What cannot
be joined becomes text and is listed, so that nothing is rounded or dropped without a word.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.release import OF_BYTES, OF_CAPTIONS, OWN, OWN_ROLES

WIDE = b"winnow.wide"  # mark of an integer field that holds a number no double can
STAND_INS = {pa.int64(): pa.decimal256(76), pa.uint64(): pa.decimal256(75)}  # what such a field's type is while types are joined
EXACT_BITS = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 53, "uint64": 53}


@dataclasses.dataclass(frozen=True)
class ReleaseSchema:
    """What is published.

    Attributes:
      schema: every column, ours first, then the source's own.
      columns: source name -> source column -> published column.
      conflicts: published columns that became text because their types could not be joined, with those types.
    """

    schema: pa.Schema
    columns: Mapping[str, Mapping[str, str]]
    conflicts: Mapping[str, tuple[str, ...]]

    def digestible(self) -> Any:
        """Plain data that says all of it, for a digest."""
        return [str(self.schema), {s: dict(c) for s, c in self.columns.items()}, {n: list(t) for n, t in self.conflicts.items()}]


def release_schema(
    shards: Sequence[tuple[str, pa.Schema, Mapping[str, str]]], drop: Sequence[str], *, images: bool, captions: bool = False
) -> ReleaseSchema:
    """The schema of a run.

    Args:
      shards: for every shard the name of its source, the schema of its own columns, and role -> column.
      drop: source columns that are not published.
      images: whether any source carries picture bytes.
      captions: whether rows carry the captions of their cluster.
    """
    absent = {*(() if images else OF_BYTES), *(() if captions else OF_CAPTIONS)}
    own = pa.schema([field for field in OWN if field.name not in absent])
    taken = {field.name.casefold() for field in own}
    gone = {name.casefold() for name in drop}
    found: dict[str, list[pa.DataType]] = {}
    columns: dict[str, dict[str, str]] = {}
    wanted = [(source, _wanted(schema, roles, gone)) for source, schema, roles in shards]
    names = {name: _free_name(name, taken) for name in sorted({field.name for _, fields in wanted for field in fields})}
    for source, fields in wanted:
        mapping = columns.setdefault(source, {})
        for field in fields:
            mapping[field.name] = names[field.name]
            kind = STAND_INS[field.type] if field.metadata and WIDE in field.metadata else field.type
            found.setdefault(names[field.name], []).append(kind)
    conflicts: dict[str, tuple[str, ...]] = {}
    published = list(own)
    for name in sorted(found):
        kinds = sorted(set(found[name]), key=str)
        joined = kinds[0]
        for kind in kinds[1:]:
            joined = join_types(joined, kind)
        if joined is None:
            conflicts[name] = tuple(sorted({_told(kind) for kind in kinds}))
        published.append(pa.field(name, _published(joined)))
    return ReleaseSchema(pa.schema(published), columns, conflicts)


def join_types(a: pa.DataType | None, b: pa.DataType | None) -> pa.DataType | None:
    """The smallest type that holds every value of both without loss; None where there is none.

    >>> str(join_types(pa.int32(), pa.float64())), str(join_types(pa.int64(), pa.float64()))
    ('double', 'double')
    >>> join_types(STAND_INS[pa.int64()], pa.float64()) is None
    True
    >>> str(join_types(pa.list_(pa.null()), pa.list_(pa.string())))
    'list<item: string>'
    """
    if a is None or b is None:
        return None
    a, b = _plain(a), _plain(b)
    if a.equals(b) or pa.types.is_null(b):
        return a
    if pa.types.is_null(a):
        return b
    if pa.types.is_list(a) and pa.types.is_list(b):
        inner = join_types(a.value_type, b.value_type)
        return None if inner is None else pa.list_(inner)
    if pa.types.is_struct(a) and pa.types.is_struct(b):
        return _join_structs(a, b)
    if _number(a) and _number(b):
        return _join_numbers(a, b)
    return None


def conform(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """An array as the published type; what became text is written as text, nested values as JSON."""
    array = _without_extension(array)
    if array.type.equals(kind):
        return array
    if pa.types.is_string(kind) and not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        if pa.types.is_nested(array.type) or pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
            return pa.array([None if v is None else _text(v) for v in array.to_pylist()], pa.string())
        return pc.cast(array, pa.string())
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        return _conform_struct(array, kind)
    if pa.types.is_list(kind) and (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        offsets = pc.cast(array.offsets, pa.int32()) if pa.types.is_large_list(array.type) else array.offsets
        return pa.ListArray.from_arrays(offsets, conform(array.values, kind.value_type), mask=array.is_null())
    return pc.cast(array, kind)


def _wanted(schema: pa.Schema, roles: Mapping[str, str], gone: set[str]) -> list[pa.Field]:
    """The source columns that are published beside ours."""
    mine = {roles[role] for role in OWN_ROLES if role in roles}
    return [field for field in schema if field.name not in mine and field.name.casefold() not in gone]


def _free_name(name: str, taken: set[str]) -> str:
    """The published name of a source column: its own, or one that collides with no other, case aside."""
    free = name
    while free.casefold() in taken:
        free = f"source_{free}"
    taken.add(free.casefold())
    return free


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type without what does not matter to who reads: dictionaries, large variants, maps as lists of pairs."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", _plain(kind.key_type)), ("value", _plain(kind.item_type))]))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _plain(f.type)) for f in kind])
    return kind


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or kind in STAND_INS.values())


def _join_numbers(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    signed_wide, unsigned_wide = STAND_INS.values()
    if unsigned_wide in (a, b):
        other = b if a == unsigned_wide else a
        return unsigned_wide if pa.types.is_unsigned_integer(other) else None
    if signed_wide in (a, b):
        other = b if a == signed_wide else a
        return signed_wide if pa.types.is_integer(other) else None
    if pa.types.is_floating(a) and pa.types.is_floating(b):
        return max(a, b, key=lambda kind: kind.bit_width)
    if pa.types.is_floating(a) or pa.types.is_floating(b):
        real, whole = (a, b) if pa.types.is_floating(a) else (b, a)
        return real if EXACT_BITS[str(whole)] <= 24 and real.bit_width >= 32 else pa.float64()
    if pa.types.is_unsigned_integer(a) == pa.types.is_unsigned_integer(b):
        return max(a, b, key=lambda kind: kind.bit_width)
    unsigned, signed = (a, b) if pa.types.is_unsigned_integer(a) else (b, a)
    if unsigned.bit_width == 64:
        return pa.int64()  # no number in it is beyond 2^53: it would be marked
    return max(signed, {8: pa.int16(), 16: pa.int32(), 32: pa.int64()}[unsigned.bit_width], key=lambda kind: kind.bit_width)


def _join_structs(a: pa.StructType, b: pa.StructType) -> pa.DataType | None:
    fields: dict[str, pa.DataType | None] = {f.name: f.type for f in a}
    for field in b:
        fields[field.name] = join_types(fields[field.name], field.type) if field.name in fields else field.type
    return None if None in fields.values() else pa.struct(list(fields.items()))


def _published(joined: pa.DataType | None) -> pa.DataType:
    if joined is None:
        return pa.string()
    for kind, stand_in in STAND_INS.items():
        if joined == stand_in:
            return kind
    if pa.types.is_null(joined):
        return pa.string()
    plain = _plain(joined)
    if pa.types.is_list(plain):
        return pa.list_(_published(plain.value_type))
    if pa.types.is_struct(plain):
        return pa.struct([pa.field(f.name, _published(f.type)) for f in plain]) if plain.num_fields else pa.string()
    return plain


def _told(kind: pa.DataType) -> str:
    return next((f"{wide} beyond 2^53" for wide, stand_in in STAND_INS.items() if kind == stand_in), str(kind))


def _without_extension(array: pa.Array) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_map(array.type) or pa.types.is_fixed_size_list(array.type):
        return array.cast(_plain(array.type))
    return array


def _conform_struct(array: pa.StructArray, kind: pa.StructType) -> pa.StructArray:
    names = {field.name for field in array.type}
    parts = [
        conform(pc.struct_field(array, field.name), field.type) if field.name in names else pa.nulls(len(array), field.type)
        for field in kind
    ]
    return pa.StructArray.from_arrays(parts, fields=list(kind), mask=array.is_null())


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
