import pytest

from transforms.text.exif_text import exif_fields


def test_what_img2dataset_writes_down_is_recognised():
    """D08: position, serial number and owner stand in the `exif` text although the picture was written again."""
    exif = '{"GPS GPSLatitude": "[52, 31, 12]", "GPS GPSLongitude": "[13, 24, 36]", "EXIF BodySerialNumber": "0012345",'
    assert exif_fields(exif + ' "EXIF CameraOwnerName": "Jo Example"}') == ("gps", "serial_number", "owner")


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"GPSInfo": {"GPSLatitude": 1.5}}, ("gps",)),
        ({"exif": {"LensSerialNumber": "17"}}, ("serial_number",)),
        ([("MakerNote SerialNumber", "1"), ("Image Make", "x")], ("serial_number",)),
        (b'{"MakerNote OwnerName": "Jo"}', ("owner",)),
        ("GPSLatitude=52.5;", ("gps",)),
        ({"GPS GPSLatitude": None, "EXIF BodySerialNumber": ""}, ()),
        ('{"Image Make": "GPS Cameras Ltd", "Image Copyright": "the owner"}', ()),
        ("{}", ()),
        ("", ()),
        (float("nan"), ()),
    ],
)
def test_every_shape_of_an_exif_column_is_read(value, fields):
    assert exif_fields(value) == fields
