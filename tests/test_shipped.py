"""The checkpoints in this repository: whole, made by the configs beside the code, good at what anybody tries first."""

import re

import pytest
from conftest import ROOT
from sentiment_challenge import CHALLENGE, FORMS, fairness, flips, wrong

from inference.checkpoint import open_checkpoint
from inference.predictors import SentimentPredictor, TranslationPredictor
from training.card import model_card
from training.config import load_config, run_from

SHIPPED = {
    "translation-en-vi": ("translation", "translation"),
    "translation-vi-en": ("translation", "translation-vi-en"),
    "sentiment-en-vi": ("sentiment", "sentiment"),
}
"""Name -> task and config."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_is_what_its_config_makes(name: str) -> None:
    task, file = SHIPPED[name]
    config = load_config(ROOT / "training" / "configs" / f"{file}.toml")
    checkpoint = open_checkpoint(ROOT / "checkpoints" / name, task)
    assert run_from(checkpoint.config["training"]["run"]) == config
    assert checkpoint.read("MODEL_CARD.md").decode() == model_card(checkpoint.config, config.card)
    models = [file for file in checkpoint.hashes if file.endswith(".model")]
    assert models
    for file in models:
        assert checkpoint.read(file) == (ROOT / "tokenizers" / name / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "metric", "loss"),
    [
        ("translation-en-vi", "bleu", 0.2),
        ("translation-vi-en", "bleu", 0.4),
        ("sentiment-en-vi", "accuracy", 0.1),
    ],
)
def test_small_integers_cost_little(name: str, metric: str, loss: float) -> None:
    metrics = open_checkpoint(ROOT / "checkpoints" / name, SHIPPED[name][0]).config["metrics"]
    # What an older way of decoding had, where the fp32 graphs went before the newer one came.
    scored = {name: held.get("before", held) for name, held in metrics.items()}
    losses = {name: held["fp32"][metric] - held[metric] for name, held in scored.items() if "fp32" in held}
    assert losses
    assert max(losses.values()) <= loss, losses


@pytest.fixture(scope="module")
def translator() -> TranslationPredictor:
    return TranslationPredictor.load(ROOT / "checkpoints" / "translation-en-vi")


def test_everyday_english_becomes_vietnamese(translator: TranslationPredictor) -> None:
    expected = {
        "I love you.": {"Tôi yêu bạn.", "Anh yêu em.", "Em yêu anh.", "Tôi yêu anh.", "Tôi yêu em."},
        "Thank you very much.": {
            "Cảm ơn bạn rất nhiều.",
            "Cảm ơn rất nhiều.",
            "Cám ơn bạn rất nhiều.",
            "Cám ơn rất nhiều.",
        },
        "What is your name?": {
            "Tên bạn là gì?",
            "Bạn tên là gì?",
            "Tên của bạn là gì?",
            "Tên anh là gì?",
            "Anh tên gì?",
        },
    }
    for text, result in zip(expected, translator.predict(list(expected)), strict=True):
        assert result.text in expected[text]
        assert not result.truncated


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Email me at a.b@example.com or visit www.foo.org/x_y, run `rm -rf /`, open {name}.",
            [" a.b@example.com ", " www.foo.org/x_y, ", " `rm -rf /`, ", " {name}."],
        ),
        ("Step 3️⃣ is here", [" 3️⃣ "]),
        ("Press #️⃣ now", [" #️⃣ "]),
        ("1️⃣ First", ["1️⃣ "]),
        ("ＴＯＫＹＯ is big", ["TOKYO "]),
        ("５ apples", ["5 "]),
        ("Open C:\\Windows now", [" C:\\Windows "]),
        ("Look in C:\\Users\\anna\\file.txt.", [" C:\\Users\\anna\\file.txt."]),
        ("Go to ../data and ~/notes", [" ../data ", " ~/notes"]),
        ("Open ./run.sh now", [" ./run.sh "]),
        ("Edit .env and .gitignore", [" .env ", " .gitignore"]),
        ("The total is 1,234,567.89 dollars", [" 1.234.567,89 đô la"]),
        ("It costs $1,234.50.", [" 1.234,50 đô la."]),
        ("Einstein wrote $E = mc^2$ in 1905.", [" $E = mc^2$ ", "1905."]),
        ("It costs $5 and $10.", ["5", "10"]),
        ("THE U.S. IS BIG.", ["HOA KỲ"]),
        ("Name:\tAnna", ["Tên:\tAnna"]),
        ("ECE", ["ECE"]),
        ("Ok", ["Ok"]),
        ("b) Open the door", ["b) Mở cửa"]),
    ],
)
def test_what_is_no_english_comes_back(translator: TranslationPredictor, text: str, kept: list[str]) -> None:
    (result,) = translator.predict([text])
    assert [part for part in kept if part not in result.text] == []
    assert "\ufffd" not in result.text
    assert "Ồ" not in result.text
    assert not result.text.endswith("..")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nguyễn Văn An lives in Đà Nẵng with his wife Trần Thị Hoa.", "^Nguyễn Văn An .* Đà Nẵng .* Trần Thị Hoa"),
        ("My friend Hương loves bún chả and bánh mì.", "Hương .* bún chả và bánh mì"),
        ("No. 5 is mine.", "^Số 5 "),
        ("Fig. 3 shows the results.", "^Hình 3 .*kết quả"),
        ("See Eq. 2 for details.", "phương trình 2 "),
        ("Sen. Sanders and Capt. Kirk climbed Mt. Everest.", "ượng nghị sĩ Sanders .* Kirk .* núi Everest"),
        ("She earns $400k a year, and he has $3.4B.", "400 nghìn đô la .* 3,4 tỷ đô la"),
        ("€1.5 million or £12,000", "^1,5 triệu euro hoặc 12[.]000 bảng$"),
        ("We close at 9 pm.", "9 giờ tối"),
        ("Add 2 1/2 cups of sugar.", "2 1/2 .* đường[.]$"),
        ("The box is 10 x 20 x 30 cm.", "10 x 20 x 30 cm"),
        ("Bake at 350°F (175°C).", "350°F [(]175°C[)]"),
        ("Call +1 555 123 4567.", "[+]1 555 123 4567[.]$"),
        ("Home | About | Contact", "^Trang chủ [|] .* [|] Liên hệ$"),
        ("Yes/No", "^Có/[Kk]hông$"),
        ("**(Cancel)**", "^[*][*][(]Hủy[)][*][*]$"),
        ("Dear Mr. Thompson,", "Thompson,$"),
        ("NOTE: Do not open.", "^LƯU Ý: (Không|Đừng) mở[.]$"),
        ("I moved to the U.S. She stayed there.", "^Tôi .*[.] Cô ấy "),
        ("Thanks!See you.", "^Cảm ơn.*!.+[.]$"),
        ("(a) the rent, (b) the deposit", "^[(]a[)] .*[(]b[)] "),
        ("It rose 12.5% to 4.5 million.", "12,5.* 4,5 triệu[.]$"),
        ("'Hello,' he said.", "^'.*,' "),
        ("The Congolese government resigned.", "Congo "),
    ],
)
def test_what_people_paste(translator: TranslationPredictor, text: str, expected: str) -> None:
    (result,) = translator.predict([text])
    assert re.search(expected, result.text), result.text


def test_an_element_stays_around_what_is_kept_as_several_words(translator: TranslationPredictor) -> None:
    texts = ["<p>I met <a href='x'>Đặng Thị Huệ</a> yesterday.</p>", "I paid <b>£20</b>."]
    met, paid = (result.text for result in translator.predict(texts, markup=True))
    assert "<a href='x'>Đặng Thị Huệ</a>" in met
    assert "<b>20 bảng</b>" in paid


def test_a_term_begins_a_translation_in_a_capital(translator: TranslationPredictor) -> None:
    (result,) = translator.predict(["The bank refused to lend us money."], terms={"bank": "nhà băng"})
    assert result.text.startswith("Nhà băng ")


@pytest.fixture(scope="module")
def classifier() -> SentimentPredictor:
    return SentimentPredictor.load(ROOT / "checkpoints" / "sentiment-en-vi")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A wonderful, moving film with a superb cast.", "positive"),
        ("The worst acting that I have seen in years, and a terrible script.", "negative"),
        ("The room was dirty and nobody answered the phone.", "negative"),
        ("The meeting is on Monday at ten.", "neutral"),
        ("Đồ ăn rất ngon, nhân viên nhiệt tình.", "positive"),
        ("Máy dùng được hai ngày thì hỏng.", "negative"),
        ("dep qua, se ung ho shop dai dai", "positive"),
        ("👍", "positive"),
    ],
)
def test_praise_and_blame_are_told_apart(classifier: SentimentPredictor, text: str, label: str) -> None:
    assert classifier.predict([text])[0].label == label


def test_behaviour_on_the_challenge(classifier: SentimentPredictor) -> None:
    lines = [line for kind, lines in CHALLENGE.items() if kind != "sarcasm" for line in lines]
    assert len(wrong(classifier, lines)) <= 0.2 * len(lines)


@pytest.mark.parametrize("form", FORMS)
def test_what_says_nothing_changes_no_label(classifier: SentimentPredictor, form: str) -> None:
    texts = [text for lines in CHALLENGE.values() for text, _ in lines]
    assert flips(classifier, [[text, FORMS[form](text)] for text in texts]) == 0


def test_who_is_named_decides_little_and_the_card_says_how_little(classifier: SentimentPredictor) -> None:
    card = (ROOT / "checkpoints" / "sentiment-en-vi" / "MODEL_CARD.md").read_text(encoding="utf-8")
    shares = fairness(classifier)
    assert shares["name"] <= 0.06
    assert shares["people"] <= 0.15
    for name, share in shares.items():
        assert f"another {name} changes {100 * share:.1f} % of" in card
