"""A config is read strictly: every key known, every value checked, every fault named."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from training.classifier import ClassifierConfig
from training.config import SentimentRun, TranslationRun, data_root, load_config
from training.data import CleanConfig
from training.errors import InputError
from training.fit import FitConfig
from training.seq2seq import Seq2SeqConfig

CONFIGS = Path(__file__).parent.parent / "training" / "configs"
TINY = (CONFIGS / "tiny-sentiment.toml").read_text(encoding="utf-8")


# Those with a report list changes to other configs, or trials; `test_ablation.py` and `test_study_config.py` read them.
RUNS = [path for path in sorted(CONFIGS.glob("*.toml")) if "report" not in tomllib.loads(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", RUNS, ids=lambda p: p.name)
def test_every_config_of_the_repository_is_valid(path: Path) -> None:
    config = load_config(path)
    assert isinstance(config, TranslationRun if config.task == "translation" else SentimentRun)
    assert config.name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'name = "tiny',
            'nmae = "tiny',
            r"name: is missing; nmae: is no key of a config; there are name, data, .* \(given: 'tiny-sentiment'\)",
        ),
        ("updates = 60", "updatess = 60", r"fit\.updatess: is no key of a config; there are updates, batch_tokens, "),
        (
            'corpus = { table = "sentiment.tsv" }',
            'corpus = { table = "sentiment.tsv", colum = 1 }',
            r"data\.dev\.0\.corpus\.colum: is no key of a config; there are lines, table, ",
        ),
        ("updates = 60", "updates = 0", "updates is 0: give 1 or more"),
        ("updates = 60", 'updates = "60"', r"fit\.updates: .*given: '60'"),
        ("updates = 60", "updates = 60.0", r"fit\.updates: .*given: 60\.0"),
        ("updates = 60", "updates = true", r"fit\.updates: .*given: True"),
        ("updates = 60", "updates = 60\nclip = nan", "a value of no use here: .*JSON compliant"),
        ("updates = 60", "updates = 1979-05-27", "a value of no use here: .*date is not JSON serializable"),
        ('task = "sentiment"', 'task = "sentimental"', "translation.*sentiment"),
        ('labels = ["negative", "positive"]', 'labels = ["negative"]', "give two or more"),
        (
            'task = "sentiment"',
            'task = "sentiment"\ninit_from = "x"\npretrain = { train = [{ table = "x" }], fit = { updates = 500 } }',
            "init_from and pretrain both say",
        ),
        ('task = "sentiment"', 'task = "sentiment"\nkeep = 0.5', "keep is 0.5, but there is no init_from"),
        ('task = "sentiment"', 'task = "sentiment"\ninit_from = "x"\nkeep = 1.0', "keep is 1.0: give at least 0"),
        (
            'labels = ["negative", "positive"]',
            'labels = ["bad", "good"]\nnoise = { flipped = 0.1 }',
            "noise.flipped turns positive and negative round, and labels are",
        ),
        ("embedding = 32", 'cell = "lsmt"', "cell is 'lsmt': choose one of"),
        (
            'table = "sentiment.tsv" }]',
            'table = "sentiment.tsv", hub = "x" }]',
            "exactly one of lines, table, hub, templates and phrases",
        ),
        ('name = "tiny-sentiment"', 'name = "../up"', "name is '../up'"),
        ("[data]", "[data", "is not a TOML file"),
        ('[card]\nsummary = "A toy that knows 24 opinions by heart."', "", "card: "),
    ],
)
def test_faults_are_named_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TINY
    path = tmp_path / "c.toml"
    path.write_text(TINY.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the config .*none\.toml: No such file"):
        load_config(tmp_path / "none.toml")


def test_a_config_may_be_based_on_another(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TINY, encoding="utf-8")
    (tmp_path / "b.toml").write_text('base = "a.toml"\nseed = 5\n[fit]\nrate = 0.25\n', encoding="utf-8")
    (tmp_path / "c.toml").write_text('base = "b.toml"\n[fit]\nwarmup = 7\n', encoding="utf-8")
    base, found = load_config(tmp_path / "a.toml"), load_config(tmp_path / "c.toml")
    assert found == replace(base, seed=5, fit=replace(base.fit, rate=0.25, warmup=7))
    (tmp_path / "e.toml").write_text('base = "a.toml"\nsubwords = false', encoding="utf-8")
    with pytest.raises(InputError, match="subwords: is missing"):
        load_config(tmp_path / "e.toml")
    (tmp_path / "a.toml").write_text('base = "c.toml"', encoding="utf-8")
    with pytest.raises(InputError, match="give the name of another config, which is not based on this one"):
        load_config(tmp_path / "c.toml")
    (tmp_path / "d.toml").write_text("base = 3", encoding="utf-8")
    with pytest.raises(InputError, match="base is 3"):
        load_config(tmp_path / "d.toml")


def test_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOIQUY_DATA", "/corpora")
    tiny, shipped = CONFIGS / "tiny-sentiment.toml", CONFIGS / "translation.toml"
    assert data_root(load_config(tiny), tiny) == CONFIGS / "tiny"
    assert data_root(load_config(shipped), shipped) == Path("/corpora")
    monkeypatch.delenv("HOIQUY_DATA")
    assert data_root(load_config(shipped), shipped) == Path("data")


def test_the_rate_rises_holds_and_falls() -> None:
    config = FitConfig(updates=100, rate=1.0, warmup=10, decay=20)
    assert [config.rate_at(u) for u in (0, 4, 9, 10, 79, 80, 90, 99)] == [0.1, 0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.05]
    assert FitConfig(updates=100, rate=1.0, warmup=0).rate_at(75) == 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"accumulate": 3, "devices": 2}, r"accumulate \(3\) is not a multiple of devices \(2\)"),
        ({"rate": 0.0}, r"rate 0\.0"),
        ({"average": 1.0}, r"average is 1\.0"),
        ({"rate": float("inf")}, "rate inf"),
        ({"betas": (0.9, 2.0)}, r"betas are \(0\.9, 2\.0\)"),
        ({"threads": -1}, "threads is -1"),
    ],
)
def test_fit_config_names_the_value(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FitConfig(updates=1, **values)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Seq2SeqConfig(heads=0), "heads is 0"),
        (lambda: Seq2SeqConfig(encoder_layers=0), "encoder_layers is 0"),
        (lambda: Seq2SeqConfig(dropout=1.5), r"dropout is 1\.5"),
        (lambda: ClassifierConfig(hidden=0), "hidden is 0"),
        (lambda: ClassifierConfig(wide=-1), "wide is -1"),
        (lambda: CleanConfig(max_ratio=0.5), r"max_ratio 0\.5"),
    ],
)
def test_models_and_cleaning_name_the_value(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
