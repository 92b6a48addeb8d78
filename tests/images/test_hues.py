"""What looks alike in grey and has other colours is two pictures; copies that a filter toned as a whole stay one."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from schemas.job import Decode
from schemas.signatures import CELLS, CHROMA
from tests.images.agreeing import agreements
from tests.images.drawing import encoded, photo
from tests.images.test_kinds import pictures
from tests.match.signed_rows import Row, matched, sets, signed, write
from transforms.images.alignment import AGREE, TOLD_APART
from transforms.images.decode import open_picture
from transforms.images.drawn import Looks
from transforms.images.facing import Facing
from transforms.images.hues import kinds
from transforms.images.other_hues import of_other_hues
from transforms.images.phash import hash_pictures
from transforms.images.shown import Shown
from transforms.match.verify import Pictures, picture_agreements

RED, BLUE, GREEN, NONE = (110, 180), (170, 105), (100, 95), (128, 128)  # Cb and Cr
EVEN = np.full((4, 48 * 48), 100, np.uint8)
SAME = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def cup(body: tuple[int, int], band: tuple[int, int]) -> Image.Image:
    """A product of some cloth on white, of one luma whatever its colours are."""
    cloth = photo(400, 400, seed=5).convert("L").point(lambda level: 80 + level // 3)
    planes = [Image.new("L", (400, 400), 128) for _ in range(2)]
    shape = Image.new("L", (400, 400), 0)
    ImageDraw.Draw(shape).polygon([(70, 60), (330, 60), (290, 350), (110, 350)], fill=255)
    for plane, part in zip(planes, zip(body, band, strict=True), strict=True):
        plane.paste(part[0], (0, 0, 400, 400))
        plane.paste(part[1], (0, 160, 400, 260))
    image = Image.new("RGB", (400, 400), "white")
    image.paste(Image.merge("YCbCr", [cloth, *planes]).convert("RGB"), (0, 0), shape)
    return image


def before_wall(image: Image.Image) -> Image.Image:
    """What stands on white, where that is a wall with light falling on it from above, faint in colour, and a table."""
    light = Image.linear_gradient("L").resize(image.size).point(lambda level: 215 - level // 3)
    wall = Image.merge("RGB", [light, light, light.point(lambda level: level - 6)])
    wood = photo(*image.size, seed=9).convert("L")
    table = Image.merge("RGB", [wood.point(lambda level, share=share: int((60 + level / 2) * share)) for share in (1.0, 0.7, 0.5)])
    wall.paste(table.crop((0, image.height * 7 // 8, *image.size)), (0, image.height * 7 // 8))
    wall.paste(image, (0, 0), image.convert("L").point(lambda level: 255 * (level < 240)))
    return wall


CUPS = [cup(RED, GREEN), cup(BLUE, GREEN), cup(RED, BLUE), cup(GREEN, RED), cup(RED, NONE)]


def warmer(image: Image.Image) -> Image.Image:
    """Another white balance."""
    return Image.merge(
        "RGB", [band.point(lambda level, by=by: min(255, int(level * by))) for band, by in zip(image.split(), (1.0, 0.9, 0.7), strict=True)]
    )


COPIES = {
    "saved": lambda image: image,
    "grey": ImageOps.grayscale,
    "sepia": lambda image: ImageOps.colorize(ImageOps.grayscale(image), "#2b1b0a", "#ffe9c4"),
    "colourful": lambda image: ImageEnhance.Color(image).enhance(1.8),
    "pale": lambda image: ImageEnhance.Color(image).enhance(0.5),
    "warmer": warmer,
    "mirrored": ImageOps.mirror,
    "cropped": lambda image: image.crop((50, 40, 350, 370)),
    "on a page": lambda image: ImageOps.expand(image, 30, "white"),
}


SIZES = [lambda image: image, lambda image: image.resize((300, 300)), lambda image: image.resize((520, 520))]


def hued(found: Pictures) -> np.ndarray:
    return Looks.of(found.looks).hued


def without_colours(found: Pictures) -> Shown:
    looks = dataclasses.replace(Looks.of(found.looks), hued=np.zeros(len(found), bool))
    return dataclasses.replace(found.shown(), chroma=np.zeros_like(found.chroma), looks=looks.bits())


def test_one_product_in_other_colours_is_another_picture():
    found = pictures(CUPS)
    left, right = np.triu_indices(len(CUPS), 1)
    grey = without_colours(found)
    assert agreements(grey, grey, SAME.repeat(len(left), 0), (left, right)).min() >= AGREE
    assert picture_agreements(found, left, found, right).max() < AGREE
    assert picture_agreements(found, right, found, left).tolist() == picture_agreements(found, left, found, right).tolist()


def test_a_product_without_colour_is_another_and_a_grey_copy_none():
    dark = cup(NONE, NONE).point(lambda level: level if level > 230 else level - 75)
    found, copies = pictures([CUPS[0], dark]), pictures([ImageOps.grayscale(CUPS[0]), ImageOps.grayscale(dark)])
    one, other, rows = np.array([0]), np.array([1]), np.arange(2)
    grey = without_colours(found)
    assert agreements(grey, grey, SAME, (one, other))[0] >= AGREE
    assert picture_agreements(found, one, found, other)[0] < AGREE
    assert picture_agreements(found, rows, copies, rows).min() >= AGREE


@pytest.mark.parametrize("edit", COPIES)
def test_a_copy_that_was_toned_as_a_whole_stays_the_picture(edit):
    found, copies, rows = pictures(CUPS), pictures([COPIES[edit](image) for image in CUPS], 75), np.arange(len(CUPS))
    assert picture_agreements(found, rows, copies, rows).min() >= AGREE
    if edit not in ("grey", "sepia", "warmer"):
        left, right = np.triu_indices(len(CUPS), 1)
        assert picture_agreements(found, left, copies, right).max() < AGREE


def test_a_jpeg_and_a_lossless_copy_of_any_size_have_the_same_hues():
    image = CUPS[0]
    raws = [
        encoded(image, "PNG"), encoded(image, "JPEG", quality=90), encoded(image, "WEBP", lossless=True),
        encoded(image.resize((1600, 1600)), "PNG"), encoded(image.resize((1600, 1600)), "JPEG", quality=90),
    ]  # fmt: skip
    found = [kinds(open_picture(raw, Decode(), "fast").chroma) for raw in raws]
    cells = np.stack(found).astype(int)
    assert (np.abs(cells - cells[0]) <= 3).mean() > 0.93
    exact = open_picture(raws[1], Decode(), "exact")
    assert kinds(exact.chroma).tolist() == found[1].tolist()


def test_a_turned_jpeg_has_the_hues_that_are_seen():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = CUPS[0].transpose(Image.Transpose.ROTATE_90)
    turned, plain = (
        kinds(open_picture(encoded(image, "JPEG", quality=90, **more), Decode(), "fast").chroma)
        for image, more in ((stored, {"exif": exif}), (CUPS[0], {}))
    )
    assert np.count_nonzero(turned != plain) <= 3


def test_hues_of_a_picture_that_is_neither_on_white_nor_smooth_say_nothing():
    images = photo(400, 300, seed=5), before_wall(CUPS[0]), CUPS[0]
    bare, wall, white = (open_picture(encoded(image, "JPEG"), Decode(), "fast") for image in images)
    assert [picture.hued for picture in (bare, wall, white)] == [False, True, True]
    assert [picture.white for picture in (bare, wall, white)] == [False, False, True]
    batch = hash_pictures([None, bare, wall, white])
    assert batch.chroma.shape == (4, len(CHROMA), CELLS)
    assert batch.chroma.any(axis=(1, 2)).tolist() == [False, True, True, True]
    assert Looks.of(batch.looks).hued.tolist() == [False, False, True, True]
    assert Looks.of(batch.looks).white.tolist() == [False, False, False, True]


def test_products_before_light_grey_are_told_apart_by_colour_and_grey_copies_are_not():
    def before_grey(image: Image.Image) -> Image.Image:
        return image.point(lambda level: level * 228 // 255)

    found, (left, right) = pictures([before_grey(image) for image in CUPS]), np.triu_indices(len(CUPS), 1)
    copies = pictures([before_grey(COPIES[edit](CUPS[0]).convert("RGB")) for edit in ("grey", "sepia")])
    assert hued(found).all()
    assert not hued(copies).any()
    assert picture_agreements(found, left, found, right).max() < AGREE
    assert picture_agreements(found, np.zeros(2, int), copies, np.arange(2)).min() >= AGREE


def test_products_before_a_wall_are_told_apart_by_colour_and_copies_that_were_toned_are_not():
    images = [before_wall(image) for image in CUPS[:4]]
    found, (left, right), rows = pictures(images), np.triu_indices(4, 1), np.arange(4)
    grey = without_colours(found)
    assert not Looks.of(found.looks).white.any()
    assert agreements(grey, grey, SAME.repeat(len(left), 0), (left, right)).min() >= AGREE
    assert picture_agreements(found, left, found, right).max() < AGREE
    for edit in set(COPIES) - {"cropped"}:
        copies = pictures([COPIES[edit](image) for image in images], 75)
        assert picture_agreements(found, rows, copies, rows).min() >= AGREE, edit


def test_a_white_border_is_white_and_a_picture_of_one_row_has_hues_too():
    bare = photo(160, 250, seed=5)
    framed, row = ImageOps.expand(bare, 40, "white"), Image.new("RGB", (200, 1), "white")
    row.paste((200, 30, 30), (60, 0, 130, 1))
    images = (bare, framed, row, ImageOps.expand(bare, 40, "navy"), ImageOps.expand(framed, 40, "navy"))
    found = [open_picture(encoded(image, "PNG"), Decode(), "fast") for image in images]
    assert [picture.hued for picture in found] == [False, True, True, False, True]
    assert [picture.white for picture in found] == [False, True, True, False, True]


def test_cells_are_the_hues_of_mean_colours():
    levels = np.random.default_rng(5).integers(-128, 128, (2, 4096), dtype=np.int8)
    cb, cr = levels.astype(float)
    angle, size = np.degrees(np.arctan2(cr, cb)) % 360 / (360 / 252), np.hypot(cb, cr)
    expected = np.where(size < 8.5, 1, np.where(size < 14, 2, 3 + np.rint(angle).astype(int) % 252))
    between = np.abs(angle % 1 - 0.5) < 0.05
    assert between.mean() < 0.15
    assert (kinds(levels) == expected)[~between].all()


def cells_of(*kinds: int) -> np.ndarray:
    """Hues of one picture, row by row of cells."""
    return np.array(kinds, np.uint8).repeat(CELLS // len(kinds))


def differ(
    one: np.ndarray, other: np.ndarray, to: np.ndarray = SAME, *, white: tuple[bool, bool] = (True, True), levels: np.ndarray = EVEN
) -> bool:
    return bool(of_other_hues(one[None], other[None], np.array([all(white)]), Facing.of(levels, np.array([0]), np.array([1]), to))[0])


WHITE, FAINT, AT_RED, AT_BLUE, AT_SEPIA = 1, 2, 79, 200, 106
ONE_RED = cells_of(WHITE, *(AT_RED,) * 6, WHITE)


def test_colours_say_nothing_where_one_picture_has_no_white_in_the_same_place():
    several, toned = cells_of(79, 99, 79, 200, 79, 99, 79, 200), cells_of(AT_SEPIA)
    assert differ(several, cells_of(AT_BLUE)), "what is blue all over is no copy in sepia"
    assert not differ(several, toned)
    assert not differ(toned, several)
    cut_out = toned.copy()
    cut_out[0] = WHITE
    assert differ(several, cut_out)
    assert differ(cells_of(WHITE, *several[::8][1:]), cells_of(WHITE, *toned[::8][1:]))
    assert not differ(ONE_RED, cells_of(WHITE))
    away = np.array([[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]])
    assert not differ(cells_of(WHITE, 79, 79, 79), cells_of(WHITE, 200, 200, 200), away)


@pytest.mark.parametrize("own", [AT_RED, AT_BLUE, FAINT])
def test_what_has_some_colour_of_its_own_is_no_grey_copy_of_what_has_more(own):
    for cells, apart in ((1, False), (2, True)):
        one, other = ONE_RED.reshape(8, 8).copy(), ONE_RED.reshape(8, 8).copy()
        other[1:7, 1:7] = WHITE
        other[2, 2 : 2 + cells] = own
        assert differ(one.ravel(), other.ravel()) == apart


@pytest.mark.parametrize(("cells", "turned", "apart"), [(2, 42, True), (2, 41, False), (1, 84, False)])
def test_two_cells_of_quite_another_hue_are_another_colour(cells, turned, apart):
    one, other = np.full((2, 8, 8), WHITE, np.uint8)
    one[2 : 2 + cells, 4], other[2 : 2 + cells, 4] = AT_RED, AT_RED + turned
    assert differ(one.ravel(), other.ravel()) == apart


def test_what_agrees_in_grey_is_told_apart_by_colour_though_its_print_tells_it_too():
    images = [CUPS[0].copy(), CUPS[1].copy(), CUPS[0].copy()]
    for image, word in zip(images, ("TEA", "OIL", "OIL"), strict=True):
        ImageDraw.Draw(image).text((200, 115), word, font=ImageFont.load_default(40), fill="black", anchor="mm")
    found, left, right = pictures(images), np.array([0, 1, 0]), np.array([1, 2, 2])
    agreed = picture_agreements(found, left, found, right)
    assert agreed[:2].tolist() == [TOLD_APART, TOLD_APART]
    assert TOLD_APART < agreed[2] < AGREE, "of one colour, with another word"


def test_what_fills_its_white_border_and_has_one_hue_needs_no_white_in_it():
    assert differ(cells_of(AT_RED), cells_of(AT_BLUE))
    assert not differ(cells_of(AT_RED), cells_of(AT_RED + 12))


@pytest.mark.parametrize(
    ("side", "turned", "apart"), [(4, 13, True), (4, 12, False), (4, 239, True), (4, 240, False), (2, 42, True), (2, 41, False)]
)
def test_four_cells_of_the_middle_of_other_hues_are_other_colours(side, turned, apart):
    other = ONE_RED.reshape(8, 8).copy()
    other[2 : 2 + side, 3 : 3 + side] = (AT_RED - 3 + turned) % 252 + 3
    assert differ(ONE_RED, other.ravel()) == apart
    other[2, 3] = AT_RED
    assert not differ(ONE_RED, other.ravel())


ELSEWHERE = {"white": (True, False)}


def with_corner(cells: np.ndarray, rows: int, columns: int, kind: int) -> np.ndarray:
    """The first columns of the first rows of another kind; the last of either count for nothing, being beside what is not."""
    found = cells.reshape(8, 8).copy()
    corner = found[:rows, :columns]
    corner[corner != WHITE] = kind
    return found.ravel()


@pytest.mark.parametrize(("columns", "turned", "apart"), [(8, 21, True), (8, 20, False), (7, 21, False)])
def test_where_one_is_not_on_white_a_third_of_all_must_be_of_quite_other_hues(columns, turned, apart):
    one = cells_of(AT_RED)
    other = with_corner(one, 4, columns, AT_RED + turned)
    lighter = np.stack([EVEN[0], EVEN[0] + 20])
    assert differ(one, other, **ELSEWHERE, levels=lighter) == apart
    assert differ(one, other, levels=lighter)


@pytest.mark.parametrize(("columns", "moved", "apart"), [(6, 20, True), (6, 21, False), (5, 20, False)])
def test_or_half_of_all_must_be_what_it_was(columns, moved, apart):
    other = with_corner(ONE_RED, 3, columns, AT_RED + 16)
    levels = np.full((2, 64), 60, np.uint8)
    levels[1, 64 - moved :] += 4
    levels = levels.reshape(2, 8, 8).repeat(6, 1).repeat(6, 2).reshape(2, -1)
    assert differ(ONE_RED, other, **ELSEWHERE, levels=levels) == apart


@pytest.mark.parametrize(
    ("columns", "light", "stay", "apart"), [(8, 100, 6, True), (8, 99, 6, False), (8, 100, 5, False), (6, 100, 6, False)]
)
def test_or_light_neutral_places_must_be_what_they_were(columns, light, stay, apart):
    levels = np.full((2, 8, 8), 60, np.uint8)
    levels[1, 1:] = 80
    levels[:, 0] = light
    levels[1, 0, stay:] += 4
    levels = levels.repeat(6, 1).repeat(6, 2).reshape(2, -1)
    other = with_corner(ONE_RED, 3, columns, AT_RED + 16)
    assert differ(ONE_RED, other, **ELSEWHERE, levels=levels) == apart
    assert differ(ONE_RED, other, levels=levels)


def test_what_is_laid_over_a_copy_at_its_edge_makes_it_no_other():
    for column, apart in ((7, False), (6, True)):
        other = ONE_RED.reshape(8, 8).copy()
        other[1:7, column] = AT_BLUE
        assert differ(ONE_RED, other.ravel()) == apart


def test_cells_on_the_edge_of_two_colours_may_mix_them_to_another_share():
    one, other, third = (cells_of(WHITE, AT_RED, AT_RED, mixed, 131, 131, 131, WHITE) for mixed in (88, 118, 150))
    assert not differ(one, other)
    assert differ(one, third)


def test_pairs_agree_alike_either_way_round_where_hues_alone_differ():
    one = pictures(CUPS[:1]).shown()
    chroma = one.chroma.copy()
    chroma[0, :, 4:30] = -chroma[0, :, 4:30]
    other = dataclasses.replace(one, chroma=chroma)
    there, back = (np.array([[[1.0, 0.0, down], [0.0, 1.0, along]]]) for down, along in ((0.06, -0.06), (-0.06, 0.06)))
    ways = agreements(one, other, there), agreements(other, one, back)
    assert ways[0].tolist() == ways[1].tolist()
    assert ways[0][0] < AGREE


def test_a_grey_copy_joins_one_of_the_colours_it_may_be_of_and_not_these(tmp_path):
    coloured = [copy(cup) for cup in CUPS[:2] for copy in SIZES]
    greys = [copy(ImageOps.grayscale(CUPS[0])) for copy in SIZES]
    rows = [Row(grey=np.asarray(image)) for image in [*greys, *coloured]]
    for order in (np.arange(9), np.arange(9)[::-1], np.array([3, 0, 6, 1, 4, 7, 2, 5, 8])):
        folder = tmp_path / str(order)
        found = sets(matched(write(signed([rows[at] for at in order]), folder / "signatures"), folder / "work").cluster, order)
        grey, red, blue = frozenset(range(3)), frozenset(range(3, 6)), frozenset(range(6, 9))
        assert found in ({grey | red, blue}, {red, blue | grey})


def test_a_grey_copy_that_agrees_with_two_colours_goes_to_the_one_it_was_made_of(tmp_path):
    darker = CUPS[1].point(lambda level: level if level > 230 else level - 8)
    images = [copy(cup) for cup in (CUPS[0], darker) for copy in SIZES] + [ImageOps.grayscale(cup) for cup in (CUPS[0], darker)]
    found = pictures(images)
    asked = np.array([0, 3, 0, 3]), np.array([6, 6, 7, 7])
    assert picture_agreements(found, asked[0], found, asked[1]).min() >= AGREE
    for order in (np.arange(8), np.arange(8)[::-1], np.array([7, 3, 0, 6, 1, 4, 2, 5])):
        folder = tmp_path / str(order)
        rows = [Row(grey=np.asarray(images[at])) for at in order]
        clusters = sets(matched(write(signed(rows), folder / "signatures"), folder / "work").cluster, order)
        assert clusters == {frozenset((0, 1, 2, 6)), frozenset((3, 4, 5, 7))}
