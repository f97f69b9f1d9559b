"""Texts that a translator from English does not read."""

import pytest

from inference.foreign import foreign_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour tout le monde, comment allez-vous ?", "French"),
        ("Das Wetter ist heute sehr schön.", "German"),
        ("La vida es bella y muy corta, amigo.", "Spanish"),
        ("Ciao, come stai oggi? Andiamo al mare.", "Italian"),
        ("Selamat pagi semua, apa kabar hari ini?", "Indonesian"),
        ("Obrigado pela ajuda com o meu carro.", "Portuguese"),
    ],
)
def test_other_languages_are_named(text: str, language: str) -> None:
    assert foreign_language(text) == language


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
        "你好，世界",
        "SELECT name FROM users WHERE id = 3",
    ],
)
def test_english_and_vietnamese_and_names_are_not(text: str) -> None:
    assert foreign_language(text) is None
