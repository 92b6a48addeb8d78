import hashlib
import string

from transforms.models.toxicity.sentences import FRAMES, GROUPS, WORDS, disguised, inside, made

CONTEXTS = ("a red kite over the beach", "two dogs run along the shore while a child watches them")


def test_the_same_sentences_are_made_on_every_machine():
    digest = hashlib.sha256()
    counts = {True: 0, False: 0}
    for text, is_toxic in made(CONTEXTS):
        digest.update(f"{is_toxic} {text}\n".encode())
        counts[is_toxic] += 1
    assert counts == {True: 30_469, False: 78_417}
    assert digest.hexdigest() == "5341728732ad3caae3fb103193287cdbe8245359c0dc17b08494e42cf9950e45"


def test_every_slot_of_every_frame_has_a_list():
    slots = {slot for frames in FRAMES.values() for frame in frames for _, slot, _, _ in string.Formatter().parse(frame) if slot}
    given = {"adj", "one", "many", "word", "x"}
    assert {slot.rstrip("2") for slot in slots} - given <= set(WORDS)
    assert all(entry == entry.strip() != "" for entries in (*WORDS.values(), *FRAMES.values()) for entry in entries)


def test_every_group_has_a_hostile_and_a_friendly_sentence():
    sentences = {True: [], False: []}
    for text, is_toxic in made(CONTEXTS):
        sentences[is_toxic].append(text)
    for _, one, many in GROUPS:
        for texts in sentences.values():
            assert any(one in text or many in text for text in texts)


def test_a_piece_is_put_inside_and_nothing_of_the_context_is_lost():
    for text in inside(["bad word"] * 20, CONTEXTS, "test", 6):
        before, after = text.split("bad word")
        assert f"{before}{after}".split() in [context.split()[:6] for context in CONTEXTS]


def test_a_disguised_word_is_one_edit_away_and_seven_in_eight_are_not():
    words = [disguised("rubbish", n) for n in range(800)]
    assert 60 < sum(word != "rubbish" for word in words) < 140
    assert disguised("nut", 1) == "nut"
