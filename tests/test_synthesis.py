"""Synthetic pairs: the toy translator makes the sides that it knows by heart; work goes on, and is never mixed."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, run_training

from inference.checkpoint import open_checkpoint, write_checkpoint
from inference.text import normalise
from training import making, synthesis
from training.corpora import Corpus, read
from training.errors import InputError
from training.synthesis import MadeCorpus, Synthesis

TINY = ROOT / "training" / "configs" / "tiny"
ROWS = [tuple(line.split("\t")) for line in (TINY / "translation.tsv").read_text(encoding="utf-8").splitlines()[1:]]


@pytest.fixture
def made(toys: Path) -> MadeCorpus:
    return MadeCorpus(Corpus(table="translation.tsv"), "source", str(toys / "checkpoints" / "tiny-translation"))


def synthesise(made: MadeCorpus, folder: Path) -> list[tuple[str, ...]]:
    work = Synthesis(made, ("en", "vi"), folder, TINY)
    work.run(1)
    return [(source, target) for _, (source, target, _) in read(work.pairs(), ("source", "target", "origin"), TINY)]


def test_the_side_that_lacks_is_made(made: MadeCorpus, tmp_path: Path) -> None:
    corpus = Corpus(table="translation.tsv", weight=0.25)
    assert synthesise(replace(made, corpus=corpus), tmp_path / "all") == ROWS
    assert Synthesis(replace(made, corpus=corpus), ("en", "vi"), tmp_path / "all", TINY).pairs().weight == 0.25
    some = synthesise(replace(made, rows=3), tmp_path / "some")
    assert len(some) == 3
    assert some == [row for row in ROWS if row in some] != ROWS[:3]


def test_origins_and_their_weights_stay(made: MadeCorpus, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("".join(f"{source}\n" for source, _ in ROWS[:3]), encoding="utf-8")
    (tmp_path / "origins").write_text("good\nbad\nfair\n", encoding="utf-8")
    lines = {"source": str(tmp_path / "texts"), "origin": str(tmp_path / "origins")}
    corpus = Corpus(lines=lines, weights={"good": 2, "bad": 0})
    work = Synthesis(replace(made, corpus=corpus), ("en", "vi"), tmp_path / "made", TINY)
    work.run(1)
    pairs = work.pairs()
    assert (pairs.weights, pairs.weight) == ({"good": 2}, 1)  # of the others there are no rows
    assert [row for _, row in read(pairs, ("target", "origin", "source"), TINY)] == [
        (ROWS[i][1], origin, ROWS[i][0]) for i, origin in ((0, "good"), (2, "fair"))
    ]


def test_the_nearest_to_a_persons_words_is_taken(made: MadeCorpus) -> None:
    made = replace(made, beam_size=4, nearest=True)
    synthesis._begin(made)
    source = ROWS[0][0]
    (result,) = synthesis._predictor.predict([source], 4, alternatives=3)
    assert len({result.text, *result.alternatives}) == 4
    for text in map(normalise, (result.text, *result.alternatives)):
        assert synthesis._translate([synthesis._Row(source, text, "")]) == [text]
    with pytest.raises(ValueError, match="nearest is true, but beam_size is 1"):
        replace(made, beam_size=1)


def test_what_leaves_out_much_of_a_persons_text_is_no_row(made: MadeCorpus) -> None:
    made = replace(made, beam_size=2, nearest=True, least=0.4)
    source, target = ROWS[0]
    for times, expected in ((1, target), (2, target), (3, "")):
        synthesis._begin(made)
        assert synthesis._translate([synthesis._Row(source, " ".join([target] * times), "")]) == [expected]
    with pytest.raises(ValueError, match=r"least is 0\.4, but nearest is false"):
        replace(made, nearest=False)
    with pytest.raises(ValueError, match=r"least is 1\.5: give a share of the person's characters, 0 to 1"):
        replace(made, least=1.5)


def test_only_faithful_pairs_are_kept(made: MadeCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesis._begin(replace(made, beam_size=2, faithful=True))
    (result,) = synthesis._predictor.predict([ROWS[0][0]], 2, alternatives=1)
    row = synthesis._Row(ROWS[0][0], "", "")
    assert synthesis._translate([row]) == [result.text]
    # The first of the hypotheses that is faithful; "" where none is.
    monkeypatch.setattr(synthesis, "_is_faithful", lambda pair, _: pair[1] != result.text)
    assert synthesis._translate([row]) == [normalise(result.alternatives[0])]
    monkeypatch.setattr(synthesis, "_is_faithful", lambda *_: False)
    assert synthesis._translate([row]) == [""]
    with pytest.raises(ValueError, match="nearest and faithful each choose"):
        replace(made, beam_size=2, nearest=True, faithful=True)
    with pytest.raises(ValueError, match="nearest wants a person's translation of each sentence"):
        replace(made, beam_size=2, nearest=True, sentences=True)


@pytest.mark.parametrize(
    ("english", "vietnamese", "faithful"),
    [
        ("It was 1.200 metres from Gloucester in March.", "Nó cách Gloucester 1,200 mét vào tháng 3.", True),
        ("It was far from Carelucter.", "Nó cách xa Gloucester.", False),
        ("It was far from Gloucester.", "Nó cách xa đó.", True),
        ("In 1945 he went home.", "Năm 1954 ông về nhà.", False),
        ("In 1945 he went home.", "Ông về nhà.", False),
        ("Mr. Nam went to Hanoi.", "Ông Nam đi Hà Nội.", True),
    ],
)
def test_a_faithful_pair_has_the_same_numbers_and_foreign_names(english: str, vietnamese: str, faithful: bool) -> None:
    assert synthesis._is_faithful((english, vietnamese), ("en", "vi")) == faithful
    assert synthesis._is_faithful((vietnamese, english), ("vi", "en")) == faithful


def test_texts_may_be_cut_into_sentences(made: MadeCorpus, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text(f"{ROWS[0][0]}<br />{ROWS[1][0]} {ROWS[2][0]}\n", encoding="utf-8")
    corpus = Corpus(lines={"source": str(tmp_path / "texts")})
    assert len(synthesis._rows(replace(made, corpus=corpus), TINY)) == 1
    rows = synthesis._rows(replace(made, corpus=corpus, sentences=True), TINY)
    assert {row.text for row in rows} == {source for source, _ in ROWS[:3]}


def test_made_sources_are_marked(made: MadeCorpus, tmp_path: Path) -> None:
    # English text as the target side of a translator from Vietnamese: its sources are what the toy says.
    given = replace(made, corpus=replace(made.corpus, columns={"target": "source"}), gives="target", mark="* ")
    assert synthesise(given, tmp_path) == [(f"* {vietnamese}", english) for english, vietnamese in ROWS]
    with pytest.raises(ValueError, match="only made ones are marked"):
        replace(given, gives="source")


def test_it_goes_on_where_it_was(made: MadeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_LINES", 5)
    assert synthesise(made, tmp_path) == ROWS
    output = tmp_path / "target.txt"
    # What is there is kept as it is, but for the half line that an end by force left.
    output.write_text("".join(f"mine {i}\n" for i in range(7)) + "hal", encoding="utf-8")
    with pytest.raises(InputError, match=r"target\.txt is not whole: run `python -m training synthesise CONFIG` first"):
        Synthesis(made, ("en", "vi"), tmp_path, TINY).pairs()
    assert [target for _, target in synthesise(made, tmp_path)] == [f"mine {i}" for i in range(7)] + [
        target for _, target in ROWS[7:]
    ]


def test_what_was_made_in_another_way_is_not_mixed_in(made: MadeCorpus, tmp_path: Path) -> None:
    synthesise(made, tmp_path)
    for change in ({"beam_size": 2}, {"rows": 5}, {"beam_size": 2, "nearest": True}, {"faithful": True}):
        other = replace(made, **change)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=r"made in another way .* or remove that folder"):
            Synthesis(other, ("en", "vi"), tmp_path, TINY)
    with pytest.raises(InputError, match="translates from 'en' to 'vi': name a translator from 'vi' to 'en'"):
        Synthesis(made, ("vi", "en"), tmp_path / "new", TINY).run(1)


def test_a_newer_checkpoint_does_not_go_on_with_an_older_ones_work(
    made: MadeCorpus, toy_copy: Path, tmp_path: Path
) -> None:
    path = toy_copy / "tiny-translation"
    made = replace(made, checkpoint=str(path))
    assert synthesise(made, tmp_path / "made") == ROWS
    old = open_checkpoint(path, "translation")
    files = {name: old.read(name) for name in old.hashes if name != "config.json"}
    write_checkpoint(path, {**old.config, "retrained": True}, files)
    # What is whole stays good; what is not whole would be of two makers.
    assert synthesise(made, tmp_path / "made") == ROWS
    (tmp_path / "made" / "target.txt").write_text("one\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"checkpoint was {old.version}"):
        synthesise(made, tmp_path / "made")


@pytest.mark.parametrize("values", [{"rows": -1}, {"beam_size": 0}])
def test_config_names_the_value(made: MadeCorpus, values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"rows is .* and beam_size .*: give 0 \(all\) or more"):
        replace(made, **values)  # type: ignore[arg-type]


def test_a_run_trains_on_what_it_made(toys: Path, tmp_path: Path) -> None:
    tiny = (TINY.parent / "tiny-translation.toml").read_text(encoding="utf-8")
    config = tmp_path / "run.toml"
    config.write_text(
        f"""{tiny.replace('root = "tiny"', f'root = "{TINY}"')}
[[made]]
corpus = {{ table = "translation.tsv" }}
gives = "source"
rows = 8
checkpoint = "{toys / "checkpoints" / "tiny-translation"}"
""",
        encoding="utf-8",
    )
    refused = run_training("subwords", config, tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "run `python -m training synthesise CONFIG` first" in refused.stderr
    assert run_training("synthesise", config, tmp_path).returncode == 0
    # It made what the training text has already: eight rows more are read, and dropped.
    said = run_training("subwords", config, tmp_path).stdout
    assert "data: 32 of 40 rows kept; dropped: 8 duplicate\ndata: 100.0% of an epoch's words: translation.tsv\n" in said
    assert "data: 0.0% of an epoch's words: " in said
