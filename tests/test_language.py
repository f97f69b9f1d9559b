"""Which language a text is in: with marks, without, in short forms, mixed, and what is in neither."""

import unicodedata

import pytest

from inference.language import detect, foreign_names, is_vietnamese, language_of, sure_language, vietnamese_share


@pytest.mark.parametrize(
    "text",
    [
        "Sản phẩm rất tốt, giao hàng nhanh.",
        "dep qua",
        "ko ngon",
        "san pham nay dung rat tot",
        "Món ăn ngon, nhân viên thân thiện, pizza ok",
        "quan nay do an cung dc, se quay lai",
        "hàng ok nhé shop",
        "te qua di",
        "k thich lam",
        "ngon",
        "ĐẸP QUÁ",
    ],
)
def test_vietnamese(text: str) -> None:
    assert language_of(text) == "vi"


@pytest.mark.parametrize(
    "text",
    [
        "A wonderful, moving film.",
        "too hot",
        "bad",
        "Not bad at all",
        "good",
        "I love Hanoi and the bun cha there was great.",
        "Nguyễn Văn Nam lives in Đà Nẵng and likes it.",
        "the cheap phone",
        "it is a pain to set up",
        "Worst. Hotel. Ever.",
        "omg so cute",
        "Hi",
        "bye",
        "Ta",
        "Bon Jovi",
        "Tim!",
        "",
        "12345 :-)",
        "日本語",
    ],
)
def test_english_or_neither(text: str) -> None:
    assert language_of(text) == "en"


def test_vietnamese_share() -> None:
    assert vietnamese_share("Tôi yêu bạn rất nhiều".split()) == pytest.approx(3 / 5)  # "Tôi" and "yêu" may be French
    assert vietnamese_share("The café in Paris".split()) == 0
    assert vietnamese_share([]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tôi yêu bạn.", True),
        ("Bạn tên là gì?", True),
        (unicodedata.normalize("NFD", "Bạn tên là gì?"), True),
        ("Tôi sử dụng email.", True),
        ("CẢM ƠN", True),
        ("Đà Nẵng", True),
        ("Nguyễn Văn Nam lives in Đà Nẵng.", False),
        ("phở and bánh mì are popular dishes", False),
        ("I love you.", False),
        ("Où étiez-vous déjà ?", False),
        ("toi yeu ban", False),
        ("", False),
    ],
)
def test_is_vietnamese(text: str, expected: bool) -> None:
    assert is_vietnamese(text) == expected


def test_how_many_words_speak_for_a_language() -> None:
    assert detect("good phone, dep qua, pin good") == ("vi", 0.5)  # "pin" may be a battery
    assert detect("The film was wonderful") == ("en", 1.0)
    assert detect("12345") == ("en", 0.0)


def test_foreign_names() -> None:
    text = "Ông Nam gặp Gloucester và Björn ở Hà Nội, Washington, trong Microsoft Word."
    assert foreign_names(text) == {"gloucester", "washington", "microsoft", "word"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ngon khong ban oi", "vi"),  # "kh" and "ng" begin no English word
        ("san pham nay rat", None),
        ("san pham nay rat tot qua", "vi"),
        ("The film was wonderful", "en"),
        ("A film", None),
        ("good phone, dep qua, pin good", None),
    ],
)
def test_a_language_is_sure_where_enough_words_tell(text: str, language: str | None) -> None:
    assert sure_language(text) == language
