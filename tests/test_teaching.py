"""Soft labels: what the toy classifier says of texts is what another run learns from."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run_training

from inference.predictors import SentimentPredictor, TranslationPredictor
from inference.text import normalise
from training.corpora import Corpus, read
from training.errors import InputError
from training.teaching import TaughtCorpus, Teaching, distribution, soft_label

TINY = ROOT / "training" / "configs" / "tiny"
LABELS = ("negative", "positive")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("positive", [0.0, 1.0]),
        ("0.25 0.75", [0.25, 0.75]),
        (soft_label([0.123456, 0.876544]), [0.1235, 0.8765]),
        ("neutral", None),
        ("0.25 0.25 0.5", None),
        ("0.5 0.6", None),
        ("-1 2", None),
        ("", None),
    ],
)
def test_distribution(label: str, expected: list[float] | None) -> None:
    assert distribution(label, LABELS) == expected


def test_texts_get_the_mean_of_what_the_teachers_say(toys: Path, tmp_path: Path) -> None:
    teacher = str(toys / "checkpoints" / "tiny-sentiment")
    (tmp_path / "texts").write_text("A dull film.\nGood  food.\n\nA dull film.\n", encoding="utf-8")
    corpus = Corpus(lines={"text": str(tmp_path / "texts")}, weight=0.5)
    teaching = Teaching(TaughtCorpus(corpus, (teacher, teacher)), LABELS, tmp_path / "taught", TINY)
    with pytest.raises(InputError, match=r"label\.txt is not whole: run `python -m training synthesise CONFIG` first"):
        teaching.rows()
    teaching.run(1)
    said = SentimentPredictor.load(Path(teacher)).predict(["A dull film.", "Good food."])
    assert teaching.rows().weight == 0.5
    rows = [row for _, row in read(teaching.rows(), ("text", "label", "origin"), TINY)]
    assert [text for text, _, _ in rows] == ["A dull film.", "Good food."]
    for (_, label, _), result in zip(rows, said, strict=True):
        probabilities = distribution(label, LABELS)
        assert probabilities is not None
        assert np.allclose(probabilities, list(result.scores.values()), atol=1e-4)
    with pytest.raises(InputError, match="knows the classes negative, positive; this run bad, good"):
        Teaching(TaughtCorpus(corpus, (teacher,)), ("bad", "good"), tmp_path / "new", TINY).run(1)
    with pytest.raises(ValueError, match="checkpoints and translator are both empty: give one"):
        TaughtCorpus(corpus)


def test_translations_get_the_labels_of_their_originals(toys: Path, tmp_path: Path) -> None:
    texts = ["A dull film. I saw it.", "Good food."]
    (tmp_path / "texts").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    teacher, translator = (str(toys / "checkpoints" / f"tiny-{task}") for task in ("sentiment", "translation"))
    taught = TaughtCorpus(Corpus(lines={"text": str(tmp_path / "texts")}), (teacher,), translator=translator)
    teaching = Teaching(taught, LABELS, tmp_path / "taught", TINY)
    teaching.run(1)
    rows = [row for _, row in read(teaching.rows(), ("text", "label", "origin"), TINY)]
    said = SentimentPredictor.load(Path(teacher)).predict(texts)
    assert [label for _, label, _ in rows] == [soft_label(list(result.scores.values())) for result in said]
    predictor = TranslationPredictor.load(Path(translator))
    first, second, third = (r.text for r in predictor.predict(["A dull film.", "I saw it.", "Good food."]))
    assert [text for text, _, _ in rows] == [normalise(f"{first} {second}"), normalise(third)]
    (tmp_path / "taught" / "translated" / "text.txt").write_text("half\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"text\.txt is not whole"):
        teaching.rows()


def test_labelled_texts_are_translated_with_their_labels(toys: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.tsv").write_text("stars\ttext\n1\tA dull film.\n5\tGood food.\n", encoding="utf-8")
    table = {"table": str(tmp_path / "texts.tsv"), "columns": {"label": "stars"}}
    corpus = Corpus(**table, labels={"1": "negative", "5": "positive"})  # type: ignore[arg-type]
    translator = str(toys / "checkpoints" / "tiny-translation")
    teaching = Teaching(TaughtCorpus(corpus, translator=translator), LABELS, tmp_path / "taught", TINY)
    with pytest.raises(InputError, match=r"text\.txt is not whole"):
        teaching.rows()
    teaching.run(1)
    predictor = TranslationPredictor.load(Path(translator))
    said = [normalise(result.text) for result in predictor.predict(["A dull film.", "Good food."])]
    rows = [row for _, row in read(teaching.rows(), ("text", "label", "origin"), TINY)]
    assert rows == [(said[0], "negative", ""), (said[1], "positive", "")]
    unlabelled = Corpus(**table)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"texts\.tsv, line 2: label '1' is none of negative, positive; set `labels`"):
        Teaching(TaughtCorpus(unlabelled, translator=translator), LABELS, tmp_path / "other", TINY)


def test_a_run_learns_from_soft_labels(toys: Path, tmp_path: Path) -> None:
    tiny = (TINY.parent / "tiny-sentiment.toml").read_text(encoding="utf-8")
    # The one labelled row teaches nothing of the others: the teacher does.
    (tmp_path / "one.tsv").write_text("label\ttext\npositive\tFine.\n", encoding="utf-8")
    tiny = tiny.replace('train = [{ table = "sentiment.tsv" }]', f'train = [{{ table = "{tmp_path}/one.tsv" }}]')
    config = tmp_path / "run.toml"
    config.write_text(
        f"""{tiny.replace('root = "tiny"', f'root = "{TINY}"')}
[[taught]]
corpus = {{ table = "sentiment.tsv" }}
checkpoints = ["{toys / "checkpoints" / "tiny-sentiment"}"]
""",
        encoding="utf-8",
    )
    done = run_training("run", config, tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "checkpoints" / "tiny-sentiment" / "config.json").read_text())["metrics"]
    assert metrics["train"]["accuracy"] == 100.0
