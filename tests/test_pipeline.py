"""The stages from text to checkpoint: the toys learn by heart, bad data stops with one line, users' files work."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow.parquet
import pytest
import torch
from conftest import ROOT, run_training
from safetensors.torch import load, load_file, save

from inference.checkpoint import open_checkpoint, write_checkpoint
from inference.decoding import Array, Arrays, State, concatenate
from inference.engine import TranslationGraph
from inference.predictors import SentimentPredictor, TranslationPredictor
from inference.tokenizer import END
from training.config import SentimentRun, load_config
from training.corpora import read
from training.errors import InputError
from training.history import plot
from training.material import Places
from training.pipelines import pipeline

TINY = ROOT / "training" / "configs" / "tiny"


def table(name: str) -> list[tuple[str, str]]:
    lines = (TINY / name).read_text(encoding="utf-8").splitlines()[1:]
    return [(a, b) for a, b in (line.split("\t") for line in lines)]


def test_the_tiny_translator_knows_its_sentences_by_heart(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    rows = table("translation.tsv")
    for beam_size in (None, 1, 4):
        results = predictor.predict([source for source, _ in rows], beam_size)
        assert [r.text for r in results] == [target for _, target in rows]
        assert not any(r.truncated for r in results)


def test_the_tiny_classifier_knows_its_texts_by_heart(toys: Path) -> None:
    predictor = SentimentPredictor.load(toys / "checkpoints" / "tiny-sentiment")
    rows = table("sentiment.tsv")
    results = predictor.predict([text for _, text in rows])
    assert [r.label for r in results] == [label for label, _ in rows]
    for result in results:
        assert sum(result.scores.values()) == pytest.approx(1)
        assert result.score == max(result.scores.values())


def test_checkpoints_say_how_they_were_made(toys: Path) -> None:
    checkpoint = open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation")
    made = "config.json MODEL_CARD.md encoder.onnx step.onnx model.safetensors source.model target.model"
    assert set(checkpoint.hashes) == set(made.split())
    metrics = checkpoint.config["metrics"]["train"]
    assert metrics["bleu"] == 100.0
    assert metrics["bleu_signature"].startswith("nrefs:1|")
    assert metrics["fp32"]["bleu"] == 100.0
    training = checkpoint.config["training"]
    assert training["run"]["seed"] == 1
    assert training["rows"]["kept"] == 32
    assert training["progress"]["update"] == 250
    assert training["torch"].startswith("2.")
    card = checkpoint.read("MODEL_CARD.md").decode()
    assert "| train | 32 | 100.0 | 100.0 | 0 |" in card
    assert f"Signature: `{metrics['bleu_signature']}`" in card
    how = json.loads((toys / "tokenizers" / "tiny-translation" / "source.json").read_text())
    assert how["rows"] == 32
    assert how["model_type"] == "bpe"


def test_one_text_or_many_in_any_order_get_the_same_answers(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    texts = [" ".join(source for source, _ in table("translation.tsv")[i : i + 1 + i % 3]) for i in range(20)]
    expected = [predictor.predict([text])[0] for text in texts]
    assert predictor.predict(texts) == expected
    order = np.random.default_rng(0).permutation(20)
    assert predictor.predict([texts[i] for i in order]) == [expected[i] for i in order]
    assert predictor.predict([]) == []


def test_blanks_and_letterless_sentences_stay(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    text = "  I love you.\n\n* * *\n\n\tGood night. 12,345.67\n😀\n"
    (result,) = predictor.predict([text])
    assert result.text == "  Tôi yêu bạn.\n\n* * *\n\n\tChúc ngủ ngon. 12.345,67\n😀\n"
    assert [r.text for r in predictor.predict(["", " \n"])] == ["", " \n"]
    with pytest.raises(ValueError, match="beam_size is 0"):
        predictor.predict(["x"], beam_size=0)


def test_alternatives_are_what_a_beam_found_next(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    assert predictor.predict(["I love you."])[0].alternatives == ()
    one, shouted, blank, two = predictor.predict(["I love you.", "I LOVE YOU.", " ", "I love you. 123"], alternatives=2)
    assert one.text == "Tôi yêu bạn."
    assert len({one.text, *one.alternatives}) == 3
    assert shouted.alternatives == tuple(text.upper() for text in one.alternatives)
    assert blank.alternatives == ()
    # What has no letter has no other translation: it stays in all of them.
    assert two.alternatives == tuple(f"{text} 123" for text in one.alternatives)
    with pytest.raises(ValueError, match="alternatives is -1"):
        predictor.predict(["x"], alternatives=-1)


def test_capitals_are_translated_like_small_letters_and_vietnamese_stays(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    (result,) = predictor.predict(["I LOVE YOU. Good night. Tôi là Nguyễn Văn Bình."])
    assert result.text == "TÔI YÊU BẠN. Chúc ngủ ngon. Tôi là Nguyễn Văn Bình."


def test_what_turns_in_a_loop_is_decoded_again_by_a_beam(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    predictor.graph = cast(TranslationGraph, _Turning())
    assert not predictor.predict(["Round we go."])[0].truncated
    predictor.languages = replace(predictor.languages, decode=replace(predictor.languages.decode, retry_beam_size=1))
    assert predictor.predict(["Round we go."])[0].truncated


class _Turning:
    """After 300 comes 301, after that 300 again; 302 is nearly as likely, and then the end."""

    def gathering(self) -> Callable[[Sequence[Arrays]], Arrays]:
        return concatenate

    def encode(self, ids: Sequence[int]) -> State:  # noqa: ARG002
        return State((np.zeros(1),), (np.zeros(1),))

    def step(self, tokens: Array, state: State) -> tuple[Array, Arrays]:
        log_probs = np.full((len(tokens), 400), -9.0)
        for row, token in enumerate(tokens):
            log_probs[row, {300: 301, 302: END}.get(int(token), 300)] = -0.1
            log_probs[row, 302] = max(log_probs[row, 302], -0.5)
        return log_probs, state.layers


def test_long_texts_are_read_in_windows(toys: Path) -> None:
    predictor = SentimentPredictor.load(toys / "checkpoints" / "tiny-sentiment")
    good, bad = "I loved every minute of it. ", "I hated every minute of it. "
    short, long = predictor.predict([good, good * 400])
    assert long.label == short.label == "positive"
    # A positive window before and two negative ones behind: every part counts.
    assert predictor.predict([good * 150 + bad * 450])[0].label == "negative"
    assert predictor.predict([""])[0].label in predictor.labels


def test_an_explanation_adds_up_to_the_log_odds(toys: Path) -> None:
    classifier = SentimentPredictor.load(toys / "checkpoints" / "tiny-sentiment")
    text = "  I loved every minute of it,\nbut the coffee... "
    plain, explained = classifier.predict([text])[0], classifier.predict([text, "", "Fine. " * 200], explain=True)
    for result, given in zip(explained, (text, "", "Fine. " * 200), strict=True):
        odds = np.log(result.score / (1 - result.score))
        if given:
            assert sum(share.score for share in result.explanation) + result.base == pytest.approx(odds, abs=1e-4)
    assert explained[0].scores == plain.scores
    assert [text[share.start : share.end] for share in explained[0].explanation] == text.split()
    assert explained[1].explanation == ()
    assert len(explained[2].explanation) == 64
    # The word that decides has the largest share.
    (result,) = classifier.predict(["I hated every minute of it."], explain=True)
    largest = max(result.explanation, key=lambda share: share.score)
    assert "I hated every minute of it."[largest.start : largest.end] == "hated"


def test_a_temperature_makes_probabilities_milder_by_language(toy_copy: Path) -> None:
    path = toy_copy / "tiny-sentiment"
    checkpoint = open_checkpoint(path, "sentiment")
    texts = ["I loved every minute of it.", "Sản phẩm này dùng rất tốt."]
    before = SentimentPredictor(checkpoint).predict(texts)
    assert [result.language for result in before] == ["en", "vi"]
    files = {name: checkpoint.read(name) for name in checkpoint.hashes if name != "config.json"}
    write_checkpoint(path, {**checkpoint.config, "temperatures": {"en": 2.0}}, files)
    after = SentimentPredictor.load(path).predict(texts)
    odds, milder = (np.log(r[0].score / (1 - r[0].score)) for r in (before, after))
    assert milder == pytest.approx(odds / 2, abs=1e-5)
    assert after[1] == before[1]


def test_the_same_command_again_trains_nothing_anew(toys: Path) -> None:
    config = ROOT / "training/configs/tiny-sentiment.toml"
    state = (toys / "runs/tiny-sentiment/state.safetensors").stat().st_mtime_ns
    done = run_training("fit", config, toys)
    assert done.returncode == 0, done.stderr
    assert (toys / "runs/tiny-sentiment/state.safetensors").stat().st_mtime_ns == state


BASE = (
    (ROOT / "training/configs/tiny-translation.toml").read_text(encoding="utf-8").replace('root = "tiny"', 'root = "."')
)


@pytest.mark.parametrize(
    ("files", "config", "message"),
    [
        (
            {"a.en": b"one\ntwo\n", "a.vi": b"m\n"},
            'lines = { source = "a.en", target = "a.vi" }',
            "a.vi ends before line 2",
        ),
        (
            {"a.en": b"one\xff\n", "a.vi": b"m\n"},
            'lines = { source = "a.en", target = "a.vi" }',
            "a.en, line 1: not UTF-8",
        ),
        ({}, 'lines = { source = "a.en", target = "a.vi" }', "cannot read"),
        ({"t.tsv": b"source\ttarget\n"}, 'table = "t.tsv"', "no rows"),
        ({"t.tsv": b"source\ttarget\nx\t\n"}, 'table = "t.tsv"', "no training rows are left"),
        (
            {"t.tsv": b"source\ttarget\nx\ty\n"},
            'table = "t.tsv", colour = "red"',
            "colour: is no key of a config; there are lines, ",
        ),
    ],
)
def test_bad_data_stops_with_one_line_and_code_2(
    tmp_path: Path, files: dict[str, bytes], config: str, message: str
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "run.toml"
    path.write_text(BASE.replace('table = "translation.tsv"', config), encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "checkpoints").exists()


def test_stages_name_the_stage_that_is_missing(tmp_path: Path) -> None:
    config = ROOT / "training/configs/tiny-translation.toml"
    for stage, message in (("fit", "training subwords CONFIG"), ("evaluate", "is no checkpoint")):
        done = run_training(stage, config, tmp_path)
        assert done.returncode == 2
        assert message in done.stderr


def test_what_is_there_is_scored_without_what_it_was_trained_on(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ROOT / "training/configs/tiny-translation.toml"
    shutil.copytree(toys / "checkpoints" / "tiny-translation", tmp_path / "tiny-translation")
    before = open_checkpoint(tmp_path / "tiny-translation").config["metrics"]["train"]
    monkeypatch.setattr("training.material.clean", lambda *_: pytest.fail("reads what to train on"))
    pipeline(load_config(path), Places(TINY, runs=tmp_path / "runs", checkpoints=tmp_path, config=path)).evaluate()
    after = open_checkpoint(tmp_path / "tiny-translation").config["metrics"]["train"]
    assert after == {name: value for name, value in before.items() if name != "fp32"}
    assert after["bleu"] > 90


def test_an_unknown_label_is_named(tmp_path: Path) -> None:
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    (tmp_path / "sentiment.tsv").write_text("label\ttext\ngood\tFine.\n", encoding="utf-8")
    path = tmp_path / "run.toml"
    path.write_text(text.replace('root = "tiny"', 'root = "."'), encoding="utf-8")
    done = run_training("subwords", path, tmp_path)
    assert done.returncode == 2
    assert "sentiment.tsv, line 2: label 'good' is none of negative, positive" in done.stderr


def test_case_and_blanks_change_nothing_when_texts_are_read_in_small_letters_and_spaced(
    tmp_path: Path, toys: Path
) -> None:
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    path = tmp_path / "run.toml"
    path.write_text(
        "lowercase = true\nspaced = true\n" + text.replace('root = "tiny"', f'root = "{TINY}"'), encoding="utf-8"
    )
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    texts = ["The food was fresh and the staff were kind.", "THE FOOD WAS FRESH AND THE STAFF WERE KIND ."]
    folded = SentimentPredictor.load(tmp_path / "checkpoints" / "tiny-sentiment").predict(texts)
    assert folded[0] == folded[1]
    plain = SentimentPredictor.load(toys / "checkpoints" / "tiny-sentiment").predict(texts)
    assert plain[0] != plain[1]


def test_a_dev_set_may_be_a_sample_of_the_training_rows(tmp_path: Path) -> None:
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    text = text.replace('root = "tiny"', f'root = "{TINY}"').replace("keep_leaks = true\n", "")
    path = tmp_path / "run.toml"
    path.write_text(text.replace("dev = [{", "dev = [{ rows = 6,"), encoding="utf-8")
    split, (held,) = pipeline(load_config(path), Places(TINY)).splits
    rows = [(text, label) for label, text in table("sentiment.tsv")]
    assert len(held.rows) == 6
    assert held.rows == [row for row in rows if row in held.rows] != rows[:6]
    assert sorted(split.rows + held.rows) == sorted(rows)
    path.write_text(text.replace("dev = [{", "dev = [{ rows = -1,"), encoding="utf-8")
    with pytest.raises(InputError, match="rows is -1: give 0"):
        load_config(path)


def test_dev_rows_and_what_the_test_set_has_are_cut_from_the_training_split(tmp_path: Path) -> None:
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    text = text.replace('root = "tiny"', f'root = "{TINY}"').replace("keep_leaks = true", "dev_rows = 6")
    test = 'test = [{ name = "test", first = 4, corpus = { table = "sentiment.tsv" } }]'
    text = text.replace('dev = [{ name = "train", corpus = { table = "sentiment.tsv" } }]', test)
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = open_checkpoint(tmp_path / "checkpoints" / "tiny-sentiment", "sentiment").config["metrics"]
    assert metrics["dev"]["rows"] == 6
    assert metrics["test"]["rows"] == 4
    assert [name for name, held in metrics.items() if "fp32" in held] == ["test", "dev"]
    how = json.loads((tmp_path / "tokenizers" / "tiny-sentiment" / "tokenizer.json").read_text())
    assert how["rows"] == 24 - 6 - 4


def test_a_translator_can_start_from_a_checkpoint_that_has_only_what_serves(tmp_path: Path, toys: Path) -> None:
    old = open_checkpoint(toys / "checkpoints" / "tiny-translation", "translation")
    files = {name: old.read(name) for name in old.hashes if name not in ("config.json", "model.safetensors")}
    start = write_checkpoint(tmp_path / "start", old.config, files)
    text = (ROOT / "training/configs/tiny-translation.toml").read_text(encoding="utf-8")
    text = text.replace('root = "tiny"', f'root = "{TINY}"').replace("rate = 5e-3", "rate = 1e-9")
    text = text.replace("updates = 250", "updates = 1").replace("warmup = 20", "warmup = 0")
    path = tmp_path / "run.toml"
    path.write_text(f'init_from = "{start.path}"\n{text}', encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    tuned = open_checkpoint(tmp_path / "checkpoints" / "tiny-translation", "translation")
    assert tuned.config["metrics"]["train"]["bleu"] == old.config["metrics"]["train"]["bleu"] == 100.0
    assert f"Made by `python -m training run {path}`." in tuned.read("MODEL_CARD.md").decode()


def test_a_run_can_start_from_a_checkpoint(tmp_path: Path, toys: Path) -> None:
    start = toys / "checkpoints" / "tiny-translation"
    text = (ROOT / "training/configs/tiny-translation.toml").read_text(encoding="utf-8")
    text = f'init_from = "{start}"\n' + text.replace('root = "tiny"', f'root = "{TINY}"').replace(
        "rate = 5e-3", "rate = 1e-9"
    )
    text = text.replace("updates = 250", "updates = 1").replace("warmup = 20", "warmup = 0")
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    tuned = open_checkpoint(tmp_path / "checkpoints" / "tiny-translation", "translation")
    assert tuned.config["metrics"]["train"]["bleu"] == 100.0
    assert tuned.read("source.model") == open_checkpoint(start, "translation").read("source.model")
    assert "Started from tiny-translation, version" in tuned.read("MODEL_CARD.md").decode()
    record = tmp_path / "tokenizers" / "tiny-translation" / "source.json"
    assert json.loads(record.read_text())["init_from"] == "tiny-translation"
    record.write_text('{"vocabulary": 400}')  # as where the tokenizer was made, and the next run goes on from it
    assert run_training("subwords", path, tmp_path).returncode == 0
    assert record.read_text() == '{"vocabulary": 400}'
    best = tmp_path / "runs" / "tiny-translation" / "best.safetensors"
    weights = load_file(best)
    weights["decoder.output_bias"] += 1
    best.write_bytes(save(weights))
    path.write_text(f"keep = 0.25\n{text}", encoding="utf-8")
    assert run_training("export", path, tmp_path).returncode == 0
    tuned = open_checkpoint(tmp_path / "checkpoints" / "tiny-translation", "translation")
    began = load(open_checkpoint(start, "translation").read("model.safetensors"))["decoder.output_bias"].float()
    mixed = load(tuned.read("model.safetensors"))["decoder.output_bias"].float()
    torch.testing.assert_close(mixed, 0.25 * began + 0.75 * weights["decoder.output_bias"], atol=2e-3, rtol=0)
    assert "a share of 0.25 is kept" in tuned.read("MODEL_CARD.md").decode()
    path.write_text(text.replace("hidden = 64", "hidden = 32"), encoding="utf-8")
    done = run_training("subwords", path, tmp_path)
    assert done.returncode == 2
    assert "of another shape: hidden is 32, there 64" in done.stderr


def test_a_classifier_learns_other_labels_from_few_texts(tmp_path: Path, toys: Path) -> None:
    start = toys / "checkpoints" / "tiny-sentiment"
    words = {"praise": ("loved", "best"), "blame": ("hated", "worst"), "question": ("where", "when")}
    rows = [
        f"{label}\t{word} {rest}"
        for label, found in words.items()
        for word in found
        for rest in ("one", "it all", "this")
    ]
    (tmp_path / "own.tsv").write_text("label\ttext\n" + "\n".join(rows) + "\n", encoding="utf-8")
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    text = text.replace('labels = ["negative", "positive"]', 'labels = ["praise", "blame", "question"]')
    text = text.replace("sentiment.tsv", "own.tsv").replace('root = "tiny"', 'root = "."')
    path = tmp_path / "run.toml"
    path.write_text(f'init_from = "{start}"\n{text}', encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    tuned = SentimentPredictor.load(tmp_path / "checkpoints" / "tiny-sentiment")
    results = tuned.predict([row.split("\t")[1] for row in rows])
    assert [result.label for result in results] == [row.split("\t")[0] for row in rows]
    assert tuned.checkpoint.read("tokenizer.model") == open_checkpoint(start, "sentiment").read("tokenizer.model")


def test_a_dev_set_may_be_its_first_rows_and_the_graphs_fp32_and_alone(tmp_path: Path) -> None:
    text = (ROOT / "training/configs/tiny-sentiment.toml").read_text(encoding="utf-8")
    text = "int8 = false\nweights = false\n" + text.replace('root = "tiny"', f'root = "{TINY}"').replace(
        "dev = [{", "dev = [{ first = 5,"
    )
    path = tmp_path / "run.toml"
    path.write_text(text.replace("updates = 60", "updates = 40"), encoding="utf-8")
    done = run_training("run", path, tmp_path)
    assert done.returncode == 0, done.stderr
    checkpoint = open_checkpoint(tmp_path / "checkpoints" / "tiny-sentiment", "sentiment")
    assert checkpoint.config["metrics"]["train"]["rows"] == 5
    assert checkpoint.config["int8"] is False
    twin = open_checkpoint(tmp_path / "runs" / "tiny-sentiment" / "fp32", "sentiment")
    assert checkpoint.read("classifier.onnx") == twin.read("classifier.onnx")
    assert "model.safetensors" not in checkpoint.hashes
    assert "safetensors" not in checkpoint.read("MODEL_CARD.md").decode()
    path.write_text(
        f'init_from = "{checkpoint.path}"\n{path.read_text().replace("tiny-sentiment", "on")}', encoding="utf-8"
    )
    refused = run_training("subwords", path, tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "it has no model.safetensors, only what serves" in refused.stderr


def test_a_run_that_needs_another_runs_it_first(tmp_path: Path) -> None:
    tiny = (TINY.parent / "tiny-sentiment.toml").read_text(encoding="utf-8").replace('"tiny"', f'"{TINY}"')
    (tmp_path / "first.toml").write_text(tiny.replace("tiny-sentiment", "first"), encoding="utf-8")
    change = 'base = "first.toml"\nname = "second"\nbefore = ["first.toml"]\ninit_from = "checkpoints/first"\n'
    (tmp_path / "second.toml").write_text(f"{change}[fit]\nupdates = 10\n", encoding="utf-8")
    done = run_training("run", tmp_path / "second.toml", tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith(("first comes", "export", "serve"))]
    assert [line.split()[0] for line in told] == ["first", "export:", "serve", "export:", "serve"]
    made = {name: open_checkpoint(tmp_path / "checkpoints" / name) for name in ("first", "second")}
    assert made["second"].config["training"]["run"]["init_from"] == "checkpoints/first"
    again = run_training("run", tmp_path / "second.toml", tmp_path)
    assert again.returncode == 0, again.stderr
    assert "first comes" not in again.stdout
    (tmp_path / "first.toml").write_text(tiny.replace("tiny-sentiment", "other").replace("sentiment.tsv", "none.tsv"))
    failed = run_training("run", tmp_path / "second.toml", tmp_path)
    assert failed.returncode == 2
    assert "none.tsv" in failed.stderr


def write_hub(root: Path, hub: dict[str, dict[str, list[dict[str, object]]]]) -> None:
    """Folders that stand for data sets, name -> split, or subset/split, -> rows: `datasets` loads folders and names by
    one road, and only a name leads to the internet.
    """
    for name, files in hub.items():
        splits: dict[str, str] = {}
        for file, records in files.items():
            path = root / name / f"{file}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path)
            subset, _, split = file.rpartition("/")
            splits[subset] = splits.get(subset, "") + f"  - split: {split}\n    path: {file}.parquet\n"
        configs = "".join(f"- config_name: {name or 'default'}\n  data_files:\n{each}" for name, each in splits.items())
        (root / name / "README.md").write_text(f"---\nconfigs:\n{configs}---\n", encoding="utf-8")


def test_the_public_config_reads_data_sets_of_their_shape(tmp_path: Path) -> None:
    config = load_config(ROOT / "training/configs/translation-public.toml")
    pairs = [(f"It &apos;s {i} o &apos;clock , friend .", f"Bây giờ là {i} giờ , bạn ạ .") for i in range(30)]
    talks = [{"english": f"Number {i} is here.", "non_english": f"Số {i} ở đây."} for i in range(9)]
    mixed = [{"translation": {"en": f"I saw {i} birds.", "vi": f"Tôi thấy {i} con chim."}} for i in range(9)]
    hub = {
        "thainq107/iwslt2015-en-vi": {
            split: [{"en": en, "vi": vi} for en, vi in pairs[start : start + 10]]
            for start, split in zip((0, 10, 20), ("train", "validation", "test"), strict=True)
        },
        "sentence-transformers/parallel-sentences-talks": {"en-vi/train": talks, "en-vi/dev": talks[:1]},
        "Helsinki-NLP/opus-100": {"en-vi/train": mixed, "en-vi/test": mixed[:1]},
    }
    write_hub(tmp_path, hub)
    stages = pipeline(config, Places(tmp_path))
    split, (dev,) = stages.splits
    assert len(split.rows) == 28
    assert split.rows[1] == ("It's 1 o'clock, friend.", "Bây giờ là 1 giờ, bạn ạ.")
    assert split.rows[10] == ("Number 0 is here.", "Số 0 ở đây.")
    assert split.rows[-1] == ("I saw 8 birds.", "Tôi thấy 8 con chim.")
    assert sorted(set(split.weights.tolist())) == [0.5, 1.0, 2.0]
    assert dev.rows[0] == ("It's 10 o'clock, friend.", "Bây giờ là 10 giờ, bạn ạ.")
    assert stages.held("test")[0].rows[0][0] == "It's 20 o'clock, friend."


def test_the_public_sentiment_config_reads_data_sets_of_their_shape(tmp_path: Path) -> None:
    config = load_config(ROOT / "training/configs/sentiment-public.toml")
    assert isinstance(config, SentimentRun)
    said = ("terrible", "nothing new", "wonderful", "tệ", "hay")

    def rows(count: int, classes: int, of: str, text: str = "text", label: str = "label") -> list[dict[str, object]]:
        return [{text: f"{of} {said[i % 5]}, number {i}.", label: i % classes} for i in range(count)]

    write_hub(
        tmp_path,
        {
            "stanfordnlp/imdb": {
                "train": rows(8, 2, "Film"),
                "test": rows(4, 2, "Last film"),
                "unsupervised": [{"text": "An unlabelled film.", "label": -1}],
            },
            "stanfordnlp/sst2": {
                "train": rows(6, 2, "Part", "sentence"),
                "validation": rows(3, 2, "Scene", "sentence"),
            },
            "cardiffnlp/tweet_eval": {
                f"sentiment/{split}": rows(6, 3, f"Tweet of {split}") for split in ("train", "validation", "test")
            },
            "Yelp/yelp_review_full": {"train": rows(10, 5, "Shop")},
            "uitnlp/vietnamese_students_feedback": {
                split: rows(6, 3, f"Thầy {split}", "sentence", "sentiment") for split in ("train", "validation", "test")
            },
        },
    )
    stages = pipeline(config, Places(tmp_path))
    split, dev = stages.splits
    found = dict(split.rows)
    assert len(found) == 8 + 6 + 6 + 10 + 6
    assert [found[f"shop {word} , number {i} ."] for i, word in enumerate(said)] == (
        ["negative", "negative", "neutral", "positive", "positive"]
    )
    assert found["thầy train terrible , number 0 ."] == "negative"
    assert sorted(set(split.weights.tolist())) == [0.1, 0.5, 1.0, 2.0]
    assert [held.name for held in dev] == ["sst2_dev", "tweets_dev", "vsfc_dev"]
    assert [len(held.rows) for held in stages.held("test")] == [4, 6, 6]
    assert config.pretrain
    texts = [text for corpus in config.pretrain.train for _, (text,) in read(corpus, ("text",), tmp_path)]
    assert len(texts) == 8 + 1 + 10 + 6


def test_plot_writes_a_png(tmp_path: Path) -> None:
    plot([{"update": 1, "train_loss": 2.0}, {"update": 2, "train_loss": 1.0, "score": 3.0}], tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_html_keeps_its_tags_and_terms_are_kept_too(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    text = '<p>I love <a href="?x=1&amp;y">you</a>.</p>\n<pre>I love you.</pre>'
    (result,) = predictor.predict([text], markup=True)
    assert re.sub(r"</?a.*?>", "", result.text) == "<p>Tôi yêu bạn.</p>\n<pre>I love you.</pre>"
    assert re.findall(r"</?a.*?>", result.text) == ['<a href="?x=1&amp;y">', "</a>"]
    (result,) = predictor.predict(["I love you."], align=True)
    assert {link.target for link in result.alignment} == {(0, 3), (4, 7), (8, 12)}
    (result,) = predictor.predict(["Good night, you."], terms={"you": "<mình>"})
    assert result.text.count("<mình>") == 1


def test_spans_come_back_whatever_the_model_makes_of_their_marks(toys: Path) -> None:
    predictor = TranslationPredictor.load(toys / "checkpoints" / "tiny-translation")
    text = "I love you: https://a.example/x?y=1, `code` and 🎉! See b.txt. {1} {0}"
    for beam_size in (1, 4):
        (result,) = predictor.predict([text], beam_size)
        for span in ("https://a.example/x?y=1", "`code`", "🎉", "b.txt", "{1} {0}"):
            assert result.text.count(span) == 1
    assert predictor.predict(["🎉 https://a.example"])[0].text == "🎉 https://a.example"
