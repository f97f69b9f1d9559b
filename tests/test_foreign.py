"""Texts in languages that a model does not read."""

import pytest
from challenge import CHALLENGE

from inference.foreign import detect_foreign, misfit


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour tout le monde, comment allez-vous ?", "French"),
        ("Das Wetter ist heute sehr schön.", "German"),
        ("La vida es bella y muy corta, amigo.", "Spanish"),
        ("Ciao, come stai oggi? Andiamo al mare.", "Italian"),
        ("Selamat pagi semua, apa kabar hari ini?", "Indonesian"),
        ("Obrigado pela ajuda com o meu carro.", "Portuguese"),
        ("Kan du hjælpe mig med at finde stationen?", "Danish"),
        ("Kan du hjelpe meg med å finne stasjonen?", "Norwegian"),
        ("Jó napot kívánok, hogy van ma?", "Hungarian"),
        ("Nu înțeleg ce spui.", "Romanian"),
        ("Hindi ko maintindihan ang sinasabi mo.", "Tagalog"),
        ("Habari za asubuhi, unaendeleaje leo?", "Swahili"),
        ("¿Dónde está la estación de tren?", "Spanish"),
        ("Bonjour 東京 tout le monde, comment allez-vous ?", "French"),
        ("BONJOUR TOUT LE MONDE, COMMENT ALLEZ-VOUS ?", "French"),
    ],
)
def test_other_languages_are_named(text: str, language: str) -> None:
    assert misfit(text, "en") == f"this looks like {language}, and was read as if it were English"


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("東京タワー", "Japanese", "ja"),
        ("你好,世界", "Chinese", "zh"),
        ("Привет!", "Russian", "ru"),
        ("안녕하세요", "Korean", "ko"),
        ("สวัสดี", "Thai", "th"),
    ],
)
def test_other_scripts_are_named(text: str, language: str, code: str) -> None:
    assert misfit(text, "en", "vi") == f"this looks like {language}, which is not read here"
    assert detect_foreign(text) == (code, 1.0)
    assert misfit(f"We saw it near the river, {text[:3]}.", "en") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "Hello!",
        "Cancel",
        "red apples",
        "Good morning, teacher.",
        "iPhone 15 Pro Max review",
        "Professor Katarzyna Wozniak teaches at Oxford.",
        "She met Jean-Luc and François at the Café de la Paix.",
        "Nguyễn Văn Nam lives in Đà Nẵng.",
        "Tôi yêu bạn rất nhiều.",
        "toi yeu ban rat nhieu",
        "Error: cannot open file config.json",
        "bus station, post office, police",
        "Delicious pho near Ben Thanh market",
        "lol that movie sucks",
        "SELECT name FROM users WHERE id = 3",
        "PROFESSOR KATARZYNA WOZNIAK",
        "THE SHOP IS CLOSED ON TUESDAY.",
        "Anh ay la mot nguoi rat may man.",
    ],
)
def test_english_and_vietnamese_and_names_are_not(text: str) -> None:
    assert detect_foreign(text) is None


ENGLISH = [line for lines in CHALLENGE.values() for line, *_ in lines if line.isascii()]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_fits_an_english_reader(text: str) -> None:
    assert misfit(text, "en") is None


@pytest.mark.parametrize(
    ("text", "source", "warning"),
    [
        ("Bonjour tout le monde.", "en", "this looks like French, and was read as if it were English"),
        ("Bonjour tout le monde.", "vi", "this looks like French, and was read as if it were Vietnamese"),
        ("Bonjour tout le monde.", "fr", None),
        ("toi yeu ban rat nhieu", "en", "this looks like Vietnamese, and was read as if it were English"),
        ("TOI YEU BAN RAT NHIEU", "en", "this looks like Vietnamese, and was read as if it were English"),
        ("San pham nay dung rat tot", "en", "this looks like Vietnamese, and was read as if it were English"),
        ("Hôm nay trời đẹp quá!", "en", "this looks like Vietnamese, and was read as if it were English"),
        ("Tôi yêu bạn.", "vi", None),
        ("toi yeu ban rat nhieu", "vi", None),
        (
            "We went to the market in the morning.",
            "vi",
            "this looks like English, and was read as if it were Vietnamese",
        ),
        ("The weather was lovely.", "xx", "this looks like English, and was read as if it were xx"),
    ],
)
def test_a_misfit_is_named(text: str, source: str, warning: str | None) -> None:
    assert misfit(text, source) == warning


@pytest.mark.parametrize("source", ["en", "vi"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ok",
        "Hi Tom",
        "Ha ha",
        "Go to Hanoi",
        "Tim hit Tom",
        "La la la la",
        "do re mi fa so la ti do",
        "Long time no see",
        "ping pong king kong",
        "go go go",
        "me too",
        "pho bo",
        "Pho, bun cha, banh mi",
        "Nguyen Van Nam",
        "Đà Nẵng",
        "Katarzyna Wozniak, Microsoft Research",
        "dep qua",
        "toi yeu ban",
        "km kg m cm",
        "hakuna matata",
    ],
)
def test_what_is_too_short_to_tell_is_no_misfit(text: str, source: str) -> None:
    assert misfit(text, source) is None
