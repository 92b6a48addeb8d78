"""Rows of a list of URLs: no picture bytes, and readable without them."""

from typing import ClassVar

from transforms.read.parquet import ParquetReader


class UrlsReader(ParquetReader):
    """Reads Parquet as LAION and DataComp publish it. A column of picture bytes, where there is one, is left out."""

    has_bytes: ClassVar[bool] = False
