"""Forms, tables, slides, cards, mock-ups: pictures of one template with another text, print or face are not the same, their copies are."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from schemas.job import Decode
from tests.images.agreeing import agreements
from tests.images.drawing import encoded, photo
from transforms.images.alignment import AGREE
from transforms.images.decode import open_picture
from transforms.images.drawn import Looks, looks
from transforms.images.phash import hash_pictures
from transforms.images.shown import Shown
from transforms.match.verify import Pictures, picture_agreements

SERIES = 5


def words(rng: np.random.Generator, number: int) -> str:
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    return " ".join("".join(rng.choice(list(letters), rng.integers(3, 9))) for _ in range(number))


def page(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), "white")
    return image, ImageDraw.Draw(image)


def form(rng: np.random.Generator) -> Image.Image:
    image, draw = page(500, 700)
    draw.text((40, 30), "APPLICATION FOR RESIDENCE", font=ImageFont.load_default(24), fill="black")
    for line, label in enumerate(("Family name", "Given names", "Born on", "Born in", "Nationality", "Street", "Town", "Occupation")):
        top = 80 + 75 * line
        draw.rectangle((30, top, 470, top + 75), outline="black")
        draw.text((40, top + 5), label, font=ImageFont.load_default(13), fill="black")
        draw.text((60, top + 30), words(rng, 2), font=ImageFont.load_default(22), fill="navy")
    return image


def table(rng: np.random.Generator) -> Image.Image:
    image, draw = page(600, 450)
    for row, column in itertools.product(range(14), range(5)):
        left, top = 20 + 112 * column, 15 + 30 * row
        draw.rectangle((left, top, left + 112, top + 30), outline=(200, 200, 200), fill=(240, 244, 250) if row % 2 else "white")
        draw.text(
            (left + 6, top + 6),
            words(rng, 1) if column == 0 else str(rng.integers(1, 10 ** int(rng.integers(2, 7)))),
            font=ImageFont.load_default(14),
            fill="black",
        )
    return image


def slide(rng: np.random.Generator) -> Image.Image:
    image, draw = page(640, 360)
    draw.rectangle((0, 0, 640, 60), fill="midnightblue")
    draw.rectangle((0, 335, 640, 360), fill="midnightblue")
    draw.text((30, 14), words(rng, 3), font=ImageFont.load_default(28), fill="white")
    for line in range(5):
        draw.ellipse((40, 92 + 46 * line, 50, 102 + 46 * line), fill="midnightblue")
        draw.text((65, 84 + 46 * line), words(rng, 5), font=ImageFont.load_default(20), fill="black")
    return image


def shirt(rng: np.random.Generator) -> Image.Image:
    image, draw = page(500, 500)
    outline = [(150, 50), (60, 100), (20, 210), (95, 235), (120, 170), (120, 470), (380, 470), (380, 170), (405, 235), (480, 210)]
    draw.polygon([*outline, (440, 100), (350, 50), (300, 80), (200, 80)], fill=(40, 40, 48))
    for line in range(3):
        draw.text((150, 170 + 50 * line), words(rng, 1).upper(), font=ImageFont.load_default(38), fill="white")
    return image


def card(rng: np.random.Generator) -> Image.Image:
    image, draw = page(600, 380)
    draw.rectangle((0, 0, 600, 50), fill="royalblue")
    draw.text((20, 10), "IDENTITY CARD", font=ImageFont.load_default(26), fill="white")
    draw.rectangle((30, 90, 200, 310), fill="lightgrey")
    wide, high = rng.integers(40, 62), rng.integers(60, 85)
    draw.ellipse((115 - wide, 200 - high, 115 + wide, 200 + high), fill=tuple(rng.integers(110, 230, 3).tolist()))
    for side in (-1, 1):
        eye = 115 + side * int(rng.integers(16, 28))
        draw.ellipse((eye - 8, 178, eye + 8, 192), fill="black")
    draw.arc((85, 205, 145, 205 + int(rng.integers(20, 50))), 20, 160, fill="darkred", width=6)
    for line, label in enumerate(("Surname", "Given names", "Number", "Expires")):
        draw.text((230, 80 + 62 * line), label, font=ImageFont.load_default(13), fill="grey")
        draw.text((230, 98 + 62 * line), words(rng, 1).upper(), font=ImageFont.load_default(24), fill="black")
    return image


def certificate(rng: np.random.Generator) -> Image.Image:
    """Nothing but two faint lines of small print tells one from another."""
    image, draw = page(800, 500)
    draw.rectangle((20, 20, 780, 480), outline="olive", width=12)
    draw.text((400, 130), "Certificate of Achievement", font=ImageFont.load_default(36), fill="black", anchor="mm")
    draw.text((400, 200), "This is to certify that", font=ImageFont.load_default(16), fill="black", anchor="mm")
    draw.line((100, 270, 700, 270), fill="black")
    for height, size, number in ((245, 24, 2), (350, 20, 4)):
        draw.text((400, height), words(rng, number), font=ImageFont.load_default(size), fill="black", anchor="mm")
    return image


def crossword(rng: np.random.Generator) -> Image.Image:
    """A third of all squares are other ones: dense print without a ground."""
    image, draw = page(480, 480)
    for row, column in itertools.product(range(16), range(16)):
        box = (30 * column, 30 * row, 30 * column + 30, 30 * row + 30)
        black = (row + column) % 2 == 0 if rng.random() < 0.7 else rng.random() < 0.5
        draw.rectangle(box, outline="black", width=2, fill="black" if black else "white")
    return image


KINDS = (form, table, slide, shirt, card, certificate)


def series(kind) -> list[Image.Image]:
    return [kind(np.random.default_rng(number)) for number in range(SERIES)]


def pictures(images: list[Image.Image], quality: int = 90) -> Pictures:
    raws = [encoded(image.convert("RGB"), "JPEG", quality=quality) for image in images]
    return Pictures.of_hashes(hash_pictures([open_picture(raw, Decode(), "fast") for raw in raws], "views"))


@pytest.mark.parametrize("kind", [*KINDS, crossword])
def test_the_same_template_with_another_content_is_another_picture(kind):
    found = pictures(series(kind))
    left, right = np.triu_indices(SERIES, 1)
    assert picture_agreements(found, left, found, right).max() < AGREE


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawn_picture_saved_again_smaller_or_grey_is_the_same(kind):
    images = series(kind)
    found, rows = pictures(images), np.arange(SERIES)
    saved_again = [Image.open(io.BytesIO(encoded(image, "JPEG", quality=60))) for image in images]
    for copies in (saved_again, [image.reduce(2) for image in images], [ImageOps.grayscale(image) for image in images]):
        assert picture_agreements(found, rows, pictures(copies), rows).min() >= AGREE


def product(text: str) -> Image.Image:
    """A photo of something on white with a print in the middle."""
    image, draw = page(500, 500)
    shape = Image.new("L", (500, 500))
    ImageDraw.Draw(shape).ellipse((80, 60, 420, 440), fill=255)
    image.paste(photo(500, 500, seed=5).convert("RGB"), (0, 0), shape)
    draw.text((250, 250), text, font=ImageFont.load_default(90), fill="white", anchor="mm")
    return image


def test_one_product_with_two_prints_is_two_pictures_and_what_is_put_in_its_corner_adds_none():
    prints = [product(text) for text in ("HORSE", "MOUNT", "CLUBS", "BY SEA")]
    stamped = [image.copy() for image in prints]
    for image in stamped:
        ImageDraw.Draw(image).rectangle((300, 400, 420, 439), fill="grey")
    rows, every, (left, right) = pictures(prints), np.arange(len(prints)), np.triu_indices(len(prints), 1)
    assert not looks(rows.thumbnails.reshape(len(prints), -1)).drawn.any()
    assert picture_agreements(rows, left, rows, right).max() < AGREE
    for copies in (pictures(prints, 50), pictures([image.reduce(2) for image in prints]), pictures(stamped)):
        assert picture_agreements(rows, every, copies, every).min() >= AGREE
        assert picture_agreements(rows, left, copies, right).max() < AGREE


def jar(number: int) -> Image.Image:
    """A shaded jar on white with a label."""
    rng = np.random.default_rng(number)
    body, label = (tuple(int(level) for level in rng.integers(30, 220, 3)) for _ in range(2))
    image = Image.new("RGB", (500, 500), body)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 220, 500, 360), fill=label)
    word, opposite = "".join(rng.choice(list("ABDEGHKMNRST"), 5)), tuple(255 - level for level in label)
    draw.text((250, 270), word, font=ImageFont.load_default(44), fill=opposite, anchor="mm")
    draw.text((250, 330), f"{int(rng.integers(10, 100)) * 10} ml", font=ImageFont.load_default(20), fill="black", anchor="mm")
    shade = 0.5 + 0.5 * np.cos((np.linspace(-1, 1, 500) - 0.2) * 2.1).clip(0)
    shape, (found, _) = Image.new("L", (500, 500)), page(500, 500)
    ImageDraw.Draw(shape).rounded_rectangle((125, 150, 375, 450), 60, fill=255)
    ImageDraw.Draw(shape).rectangle((145, 90, 355, 170), fill=255)
    found.paste(Image.fromarray((np.asarray(image) * shade[:, None]).astype(np.uint8)), (0, 0), shape)
    return found


def test_shaded_jars_with_other_labels_are_other_pictures_and_their_copies_are_not():
    jars = [jar(number) for number in (1, 12, 2, 8, 5, 7, 6, 22)]
    rows, every, lefts = pictures(jars), np.arange(len(jars)), np.arange(0, len(jars), 2)
    assert picture_agreements(rows, lefts, rows, lefts + 1).max() < AGREE
    for copies in (pictures(jars, 60), pictures([image.reduce(2) for image in jars])):
        assert picture_agreements(rows, every, copies, every).min() >= AGREE


def patched(*places: tuple[int, int]) -> Image.Image:
    """A shaded shirt before a backdrop that fades, with patches in some places."""
    down, along = np.mgrid[:480, :480] / 480
    image = Image.fromarray((190 + 40 * down - 30 * along).astype(np.uint8))
    cloth = Image.fromarray((110 + 40 * np.cos(5 * along + 2 * down) - 30 * down + 12 * np.sin(9 * along * down)).astype(np.uint8))
    for x, y in places:
        ImageDraw.Draw(cloth).rounded_rectangle((x, y, x + 40, y + 35), 12, fill=cloth.getpixel((x, y)) - 16)
    shape, half = Image.new("L", (480, 480)), [(170, 60), (40, 170), (90, 230), (130, 200), (120, 430)]
    ImageDraw.Draw(shape).polygon(half + [(480 - x, y) for x, y in half[::-1]], fill=255)
    image.paste(cloth, (0, 0), shape.filter(ImageFilter.GaussianBlur(2)))
    return image.convert("RGB")


def test_shaded_cloth_with_patches_elsewhere_is_another_picture_and_its_copies_are_not():
    shirts = [patched((160, 140)), patched((270, 310))]
    rows, every = pictures(shirts), np.arange(2)
    assert looks(rows.thumbnails.reshape(2, -1)).shaded.all()
    for copies in (*(pictures(shirts, quality) for quality in (50, 80)), pictures([image.reduce(2) for image in shirts])):
        assert picture_agreements(rows, every, copies, every).min() >= AGREE
        assert picture_agreements(rows, every, copies, every[::-1]).max() < AGREE


def chair(light: int, ground: int) -> Image.Image:
    along = np.mgrid[:560, :560][1]
    image, shadow, shape = Image.new("RGB", (560, 560), (ground,) * 3), Image.new("L", (560, 560)), Image.new("L", (560, 560))
    cloth = Image.fromarray((light * (0.72 + 0.28 * np.cos((along - 230) * 1.4 / 170))).clip(0, 255).astype(np.uint8)).convert("RGB")
    ImageDraw.Draw(shadow).ellipse((130, 450, 450, 490), fill=120)
    ImageDraw.Draw(shape).rounded_rectangle((140, 110, 420, 290), 40, fill=255)
    ImageDraw.Draw(shape).rounded_rectangle((130, 285, 430, 330), 12, fill=255)
    image.paste((60, 60, 60), (0, 0), shadow.filter(ImageFilter.GaussianBlur(14)))
    image.paste(cloth, (0, 0), shape)
    for left, aside, width in ((165, -5, 10), (215, -5, 5), (340, 5, 5), (390, 5, 10)):
        ImageDraw.Draw(image).line((left, 330, left + aside, 470), fill=(40, 40, 40), width=width)
    return image


def test_a_blurred_chair_is_no_copy_of_a_lighter_one_though_every_block_agrees():
    chairs = [chair(190, 241), chair(120, 250), chair(150, 250)]
    rows = pictures([image.crop((90, 80, 470, 510)) for image in chairs])
    blurred, every = pictures([image.filter(ImageFilter.GaussianBlur(5)) for image in chairs], 75), np.arange(len(chairs))
    assert not blurred.details.held.any()
    assert picture_agreements(rows, every, blurred, every).min() >= AGREE
    assert picture_agreements(rows, every[:1], blurred, every[2:])[0] < AGREE


def league(number: int) -> Image.Image:
    rng, (image, draw) = np.random.default_rng(number), page(600, 560)
    clubs = [
        "Olympic", "Victoria", "Harriers", "Rovers", "Wolves", "Albion", "City", "Athletic", "Rangers", "Wanderers", "United", "Dynamo",
    ]  # fmt: skip
    draw.rectangle((20, 20, 580, 66), fill=(106, 27, 120))
    draw.text((36, 30), f"Division {rng.integers(1, 9)}", font=ImageFont.load_default(24), fill="white")
    for line in range(10):
        top, colour = 66 + 44 * line, "green" if line < 2 else "red" if line > 7 else "white"
        draw.rectangle((36, top, 580, top + 44), fill=(240, 228, 244) if line % 2 else "white")
        draw.rectangle((20, top, 30, top + 44), fill=colour)
        told = [str(line + 1), str(rng.choice(clubs)), *map(str, rng.integers(0, 70, 3)), "{}:{}".format(*rng.integers(10, 70, 2)), "12"]
        for left, text in zip((40, 110, 320, 365, 410, 455, 545), told, strict=True):
            draw.text((left, top + 10), text, font=ImageFont.load_default(22), fill="black", stroke_width=1)
    return image


def test_a_blurred_table_that_passes_for_a_photo_is_one_with_its_original_alone():
    tables = [league(number) for number in (0, 1, 5)]
    rows, every, (left, right) = pictures(tables), np.arange(len(tables)), np.triu_indices(len(tables), 1)
    blurred = pictures([image.filter(ImageFilter.GaussianBlur(4)) for image in tables])
    assert not (Looks.of(blurred.looks).grounded | blurred.details.held).any()
    assert picture_agreements(rows, every, blurred, every).min() >= AGREE
    assert picture_agreements(rows, left, blurred, right).max() < AGREE


def receipt(number: int) -> Image.Image:
    """A till's receipt as a photo of it on a desk."""
    rng, head, small = np.random.default_rng(number), ImageFont.load_default(26), ImageFont.load_default(16)
    desk = np.linspace(0, 40, 700)[:, None] + np.linspace(60, 110, 500)[None] + rng.normal(0, 3, (700, 500))
    image = Image.fromarray(desk.clip(0, 255).astype(np.uint8)).convert("RGB")
    paper = Image.fromarray((np.linspace(245, 222, 620)[:, None] * np.linspace(1, 0.94, 330)).astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(paper)
    draw.text((40, 24), "GREENGATE MARKET", font=head, fill=(40, 40, 40), stroke_width=1)
    for top in range(80, 332, 28):
        goods = words(rng, 3)[: int(rng.integers(2, 4))].upper()
        draw.text((24, top), goods, font=ImageFont.load_default(28), stroke_width=1, fill=(60, 60, 60))
        draw.text((255, top), f"{rng.uniform(1, 30):6.2f}", font=small, fill=(60, 60, 60))
    draw.line((24, 345, 306, 345), fill=(60, 60, 60), width=2)
    draw.text((24, 360), f"TOTAL   {rng.uniform(60, 99):.2f}", font=head, fill=(30, 30, 30), stroke_width=1)
    draw.text((90, 440), "THANK YOU", font=small, fill=(60, 60, 60))
    left, bars = 40, np.random.default_rng(3)
    for bar in bars.integers(2, 6, 40).tolist():
        draw.rectangle((left, 480, left + bar - 2, 540), fill=(30, 30, 30))
        left += bar + 2
    image.paste(paper, (85, 40))
    return image


def test_photos_of_two_receipts_that_hardly_agree_are_two_pictures_and_their_copies_are_not():
    receipts = [receipt(number) for number in (1, 5, 34, 21, 64, 48, 69)]
    rows, every = pictures(receipts), np.arange(len(receipts))
    assert Looks.of(rows.looks).smooth.all()
    assert not Looks.of(rows.looks).grounded.any()
    assert picture_agreements(rows, np.array([0, 1, 3, 5]), rows, np.array([2, 2, 4, 6])).max() < AGREE
    assert picture_agreements(rows, every, pictures([image.resize((350, 490)) for image in receipts], 60), every).min() >= AGREE


def test_a_photograph_is_one_picture_under_whatever_text():
    texts = ("when nobody looks", "on a monday morning", "my cat at three")
    memes = [photo(500, 400, seed=9).convert("RGB") for _ in texts]
    for image, text in zip(memes, texts, strict=True):
        ImageDraw.Draw(image).text((250, 40), text, font=ImageFont.load_default(36), fill="white", anchor="mm")
    rows, (left, right) = pictures(memes), np.triu_indices(len(texts), 1)
    assert picture_agreements(rows, left, rows, right).min() >= AGREE


def tile(draw_sign) -> Image.Image:
    """An icon without a ground: a sign on a tile that shades from one corner to the other."""
    shade = np.add.outer(np.arange(256), np.arange(256)) * 0.3 + 60
    image = Image.fromarray(shade.astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for line in range(8, 256, 24):
        draw.line((line, 0, line, 40), fill="black", width=5)
        draw.line((line, 216, line, 256), fill="black", width=5)
        draw.line((0, line, 30, line), fill="white", width=5)
    draw_sign(draw)
    return image


def test_icons_with_other_signs_on_one_shaded_tile_are_two_pictures_and_their_copies_are_not():
    signs = [
        tile(lambda draw: draw.ellipse((70, 80, 186, 176), outline="white", width=22)),
        tile(lambda draw: draw.polygon([(128, 70), (190, 180), (66, 180)], fill="white")),
        tile(lambda draw: (draw.line((80, 80, 176, 176), fill="white", width=26), draw.line((176, 80, 80, 176), fill="white", width=26))),
    ]
    rows, every, (left, right) = pictures(signs), np.arange(len(signs)), np.triu_indices(len(signs), 1)
    own = looks(rows.thumbnails.reshape(len(signs), -1))
    assert own.smooth.all()
    assert not own.grounded.any()
    assert picture_agreements(rows, left, rows, right).max() < AGREE
    for copies in (pictures(signs, 60), pictures([image.reduce(2) for image in signs])):
        assert picture_agreements(rows, every, copies, every).min() >= AGREE


def test_smooth_and_dense_pictures_are_told_by_second_differences():
    rng = np.random.default_rng(2)
    ramp = np.add.outer(np.arange(48), np.arange(48)).astype(np.uint8)
    noise = rng.integers(0, 256, (48, 48)).astype(np.uint8)
    found = looks(np.stack([ramp, noise, np.asarray(photo(48, 48, seed=3).convert("L"))]).reshape(3, -1))
    assert found.smooth.tolist() == [True, False, False]
    assert found.dense.tolist() == [False, True, False]


def test_forms_and_mock_ups_are_drawn_and_photos_are_not():
    for kind in KINDS:
        assert looks(pictures(series(kind)).thumbnails.reshape(SERIES, -1)).drawn.all()
    assert not looks(pictures([photo(seed=seed) for seed in range(4)]).thumbnails.reshape(4, -1)).drawn.any()


def test_a_white_picture_that_is_saved_again_is_the_same_though_it_passes_for_drawn() -> None:
    """One block holds nothing but what saving leaves: without the exception the pair agrees on 0."""
    down, along = np.indices((48, 48))
    levels = np.stack([244.0 - 60 * ((down // 3 + along // 5) % 4 == 0) * (along < 30)] * 2)
    levels[:, 24:32, 40:48] += np.random.default_rng(3).normal(0, 1, (2, 8, 8))
    one, other = np.rint(levels).clip(0, 255).astype(np.uint8)[:, None]
    assert looks(np.stack([one.reshape(-1), other.reshape(-1)])).drawn.all()
    assert agreements(Shown.of(one), Shown.of(other), np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))[0] >= AGREE
