"""Reports of people who do this job, as small inputs. Where each is tested, beside the whole runs of this folder:

| id | what goes wrong | whole run | parts |
|---|---|---|---|
| D01 | cut tar, cut sidecar | test_inputs | read/test_webdataset, read/test_count, read/test_sidecar |
| D02 | dots in the key | test_inputs | read/test_members, read/test_webdataset |
| D03 | a member twice | test_inputs | read/test_grouping, read/test_webdataset, filters/test_opt_out |
| D04 | members far apart | test_inputs | read/test_webdataset (at scale) |
| D05 | two tars in one file | test_inputs | read/test_webdataset |
| D06 | upper-case extensions | test_inputs | read/test_members, read/test_webdataset |
| D07 | wrong suffix, empty text, null sizes | test_inputs | read/test_webdataset |
| D08 | position in the exif column | test_inputs | images/test_scrub, filters/test_personal_data, filters/test_opt_out |
| D09 | a re-encoded minority | test_inputs | filters/test_hash_mismatch |
| D10 | NaN | test_inputs | read/test_fields, read/test_parquet, filters/test_columns, filters/test_nsfw, pipeline/documents |
| D11 | one URL, many captions | test_inputs (a) | pipeline/test_match (b) |
| D12 | a notice under many captions | pipeline/test_choice | pipeline/test_match, test_resolve |
| D13 | how much missing is truncated | test_pictures | images/test_decode, images/test_cut |
| D14 | profile or text of a PNG | test_pictures | images/test_decode, images/test_metadata |
| D15 | broken EXIF | test_pictures | images/test_decode, images/test_scrub |
| D16 | two JPEGs in one | test_pictures | images/test_decode, images/test_scrub, images/test_metadata |
| D17 | 16-bit grey | test_pictures | images/test_decode |
| D18 | PostScript | test_pictures, laws/test_nothing_is_executed | images/test_decode, images/test_metadata |
| D19 | int32, int64, float, double | test_parquet | test_release_schema, read/test_parquet |
| D20 | a row group over 2 GiB | test_parquet | read/test_parquet |
| D21 | a column name twice | test_parquet | read/test_columns, read/test_parquet, read/test_sidecar |
| D22 | names that differ in case | test_parquet | read/test_columns, read/test_parquet |
| D23 | nulls inside lists, empty shards | test_parquet | test_release_schema, read/test_fields, read/test_parquet |
| D24 | a path and no bytes | laws/test_nothing_is_executed | read/test_parquet |
| D25 | pictures do not open | test_parquet | pipeline/documents/test_loaders |
| A1 | a shard that keeps nothing | test_parquet | pipeline/documents/test_loaders |
| A2 | a list of what was removed | test_filters | pipeline/documents/test_document, pipeline/test_takedown |
| A3 | words by white space | test_filters | text/test_caption, filters/test_caption_quality, balance/test_audit |
| A4 | transparent pictures | test_filters | images/test_decode |
| A6 | the normal form of a caption | test_filters | text/test_caption, pipeline/test_match |
| A7 | captions without letters | test_filters | text/test_caption, pipeline/test_match |
| A8 | a line break in a caption | test_filters | filters/test_language |
| A9 | digits and links are English | test_filters | filters/test_language |
| A11 | which copy stays | pipeline/test_choice | test_choice, test_resolve |
| A12 | raw bytes instead of a picture | test_parquet | pipeline/documents/test_loaders |
| A13 | personal data beside the text | test_filters | filters/test_personal_data, text/test_personal_data |
| A14 | numbers that look like people's | | text/test_personal_data |
| A15 | a stripped picture on its side | test_filters | images/test_scrub, images/test_decode |
| A16 | names as profanity | | filters/test_nsfw, filters/test_toxicity |
| A18 | the kept copy is filtered away | test_filters | pipeline/test_match |
| A19 | one picture, millions of captions | pipeline/test_choice | test_resolve |
| A20 | captions that differ in a number | test_filters | match/test_signatures |
"""
