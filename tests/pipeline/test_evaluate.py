"""`winnow evaluate`: what it reads, what it prints, and what it says of what it cannot use."""

import hashlib

import pytest

from pipeline.cli import run_command
from pipeline.commands.evaluate import evaluate
from pipeline.commands.labelled import read_labelled
from schemas.errors import InputError, JobError
from transforms.filters.toxicity import Toxicity

ABUSE = "you are a fucking idiot go kill yourself"
GERMAN = "Zwei junge Männer stehen im Garten"


def table(tmp_path, text, name="labelled.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


def test_precision_recall_area_and_false_alarms_per_term_are_printed(tmp_path, capsys):
    lines = ["comment;isHate", f"{ABUSE};1.0", f"{ABUSE} again;0.6", "a red kite;1", *["gay couple on the beach;0.0"] * 12, ";1"]
    assert run_command(["evaluate", "shipped", "--data", table(tmp_path, "\n".join(lines))]) == 0
    told = capsys.readouterr()
    assert "15 texts, 3 of them toxic; without a score: 0" in told.out
    assert "area under the ROC curve: 0.667" in told.out
    words = told.out.split()
    assert words[words.index("0.9") :][:8] == ["0.9", "│", "1.000", "│", "0.667", "│", "0.000", "│"]
    assert words[words.index("gay") :][:3] == ["gay", "│", "12"]
    assert "toxicity: shipped, SHA-256 " in told.err


def test_columns_labels_and_terms_are_named_where_they_are_not_usual(tmp_path):
    path = table(tmp_path, f"id,said,kind\n1,{ABUSE},0\n2,a red kite,2\n3,another kite,1\n", "own.csv")
    data = read_labelled(path, "said", "kind", ["0", "1"])
    assert (data.columns, data.toxic.tolist()) == (("said", "kind"), [True, False, True])
    many = read_labelled(table(tmp_path, "text\tlabel\n" + "my red kite\t0\n" * 10))
    assert evaluate(Toxicity(), many, ["Red kite", "blue"]).by_term == {"red kite": (10, [0.0, 0.0, 0.0])}
    with pytest.raises(
        JobError, match=r"own\.csv: no column of a usual name for --text; the first line, which names them, has: id, said, kind"
    ):
        read_labelled(path)
    with pytest.raises(InputError, match=r"own\.csv, line 3, column said: the label is neither toxic nor clean for sure"):
        read_labelled(table(tmp_path, f"id,said,text\n1,1,a kite\n2,perhaps,{ABUSE}\n", "own.csv"), label="said")
    with pytest.raises(InputError, match="no row has a text"):
        read_labelled(table(tmp_path, "text,label\n,1\n"))
    with pytest.raises(JobError, match="--toxic hatefull: no row has this label in column label; there are hateful, none"):
        read_labelled(table(tmp_path, "text,label\nyou idiot,hateful\na kite,none\n"), toxic=["hatefull"])
    with pytest.raises(InputError, match="line 3, column label: the label is missing"):
        read_labelled(table(tmp_path, "text,label\nyou idiot,hateful\na kite,\n"), toxic=["hateful"])


def test_texts_in_a_language_that_the_model_does_not_know_have_a_score_unless_it_is_as_in_a_run(tmp_path):
    data = read_labelled(table(tmp_path, f"text,label\n{ABUSE},1\n{GERMAN},0\n"))
    assert evaluate(Toxicity(), data).area == 1.0
    as_in_a_run = evaluate(Toxicity(), data, as_in_a_run=True)
    assert (as_in_a_run.area, len(as_in_a_run.scores[as_in_a_run.scores >= 0])) == (None, 1)


def test_what_cannot_be_evaluated_is_told_with_its_exit_status(tmp_path, capsys):
    data = table(tmp_path, "text,label\na,0\n")
    (tmp_path / "mine.ckpt").write_bytes(b"a pickle")
    assert run_command(["evaluate", f"detoxify:{tmp_path / 'mine.ckpt'}", "--data", data]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "--sha256) is missing" in told
    assert hashlib.sha256(b"a pickle").hexdigest() in told
    assert run_command(["evaluate", "none.bin", "--data", data]) == 4
    assert run_command(["evaluate", "shipped", "--data", str(tmp_path / "none.csv")]) == 3


@pytest.mark.parametrize(
    "content",
    [
        "\ufefftext;label\nyou idiot;1\na kite;0\n",
        "text|label\r\nyou idiot|toxic\r\na kite|clean\r\n",
        "text\tlabel\ryou idiot\t0.81\ra kite\t0.2\r",
        '"text";"notes, all of them";"label"\n"you; idiot";"";"yes"\n\n"a\nkite";"a ""b""";"no"\n',
    ],
)
def test_a_table_is_read_whatever_parts_its_columns_and_lines(tmp_path, content):
    (tmp_path / "own.csv").write_bytes(content.encode())
    data = read_labelled(str(tmp_path / "own.csv"))
    assert (len(data.texts), data.toxic.tolist()) == (2, [True, False])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", r"own\.csv: the file is empty"),
        ("text,label\n", "no row has a text in column text"),
        ("text\nyou idiot\n", "no column of a usual name for --label"),
        ("text,label\nyou idiot\n", "line 2: it has 1 columns, and the header has 2"),
        (
            "text,label\nyou, idiot,1\n",
            "line 2: it has 3 columns, and the header has 2; put texts that hold a separator into double quotes",
        ),
        ("text,label\na kite,0\nyou idiot,\n", "line 3, column label: the label is missing"),
        ("text,label\nyou idiot,nan\n", "line 2, column label: the label is neither toxic nor clean for sure"),
        ("tweet,class\nyou idiot,2\n", "line 2, column class: the label is neither toxic nor clean for sure"),
        ('text,label\na kite,0\n"you idiot,1\na kite,0\n', r"line 4: this is no CSV .*is a double quote left open"),
        (f'text,label\n"{"a kite " * 20_000}",0\n', "line 2: this is no CSV"),
    ],
)
def test_a_table_that_would_be_counted_wrongly_is_refused_with_its_line(tmp_path, content, told):
    with pytest.raises((InputError, JobError), match=told):
        read_labelled(table(tmp_path, content, "own.csv"))


def test_a_file_without_a_header_is_told_so_and_shows_little_of_a_text(tmp_path):
    with pytest.raises(JobError) as error:
        read_labelled(table(tmp_path, f"{ABUSE},1\n"))
    assert ABUSE[:30] in str(error.value)
    assert ABUSE[:31] not in str(error.value)
