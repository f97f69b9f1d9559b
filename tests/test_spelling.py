"""Names and numbers that a translator misspelt."""

import pytest

from inference.spelling import respelt


@pytest.mark.parametrize(
    ("source", "translation", "expected"),
    [
        ("Giuseppe met Katarzyna.", "Giusppe gặp Katarznia.", "Giuseppe gặp Katarzyna."),
        ("He lives in Chesapeake, near José.", "Anh sống ở Cesape, gần Jose.", "Anh sống ở Chesapeake, gần José."),
        ("Use WeChat!", "Hãy dùng WChat!", "Hãy dùng WeChat!"),
        ("150,000 homes", "15.000 ngôi nhà", "150.000 ngôi nhà"),
        ("US$146.5 million in 2013", "US$46,5 triệu năm 213", "US$146,5 triệu năm 2013"),
        ("Python 3.11, ward 11", "Python 3.1, phường 111", "Python 3.11, phường 11"),
        ("Guðmundsdóttir won.", "Guðmundsdótir thắng.", "Guðmundsdóttir thắng."),
        ("at 9 p.m. or 11:45 pm", "lúc 9 giờ chiều hoặc 11:45 chiều", "lúc 9 giờ tối hoặc 11:45 đêm"),
        ("up 12.5% to $3.4 million", "tăng 12.5% lên 3.4 triệu", "tăng 12,5% lên 3,4 triệu"),
        ("In the '70s", "Vào những năm 770", "Vào những năm 70"),
    ],
)
def test_they_are_spelt_as_in_the_source(source: str, translation: str, expected: str) -> None:
    assert respelt(translation, source) == expected


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        # What Vietnamese makes of peoples and plurals,
        ("Canadians and Ukrainians won two Oscars.", "Người Canada và Ukraina giành hai giải Oscar."),
        ("an Iranian from Palestinian land", "một người Iran từ đất Palestine"),
        ("Congolese Zionism and Hinduism", "chủ nghĩa Zion và Hindu của Congo"),
        ("Helium, Uranium", "heli, urani"),
        ("Israelites and Panamanians", "người Israel và Panama"),
        ("2 nights, until 2 p.m.; 10 at 10 a.m.", "2 đêm, đến 2 giờ chiều; 10 tối đa, 10 giờ sáng"),
        # common words, and syllables, whatever they resemble,
        ("He sees the game with Strong.", "Anh ấy xem trong trận."),
        ("carbon and hydrogen", "cacbon và hydro"),
        # what the source has, too, or the translation has all the same,
        ("Maria met Marie.", "Maria gặp cô ấy."),
        ("Keys saw Keys.", "Keys thấy Keysal."),
        # and what is said in another way.
        ("$1.25 trillion at 3:15 p.m.", "1.250 tỷ đô la lúc 15:15"),
        ("It cost 1,204.50 on 12 March.", "Nó giá 1.204,50 vào ngày 12 tháng 3."),
        ("2 pounds of {0} in 1990", "0,9 kg {10} vào năm 1990"),
        ("Python 3.1 at 9 a.m. and 9 p.m.", "Python 3.1 lúc 9 giờ sáng và 9 giờ chiều"),
        ("", "Không có gì 12"),
    ],
)
def test_what_is_no_misspelling_stays(source: str, translation: str) -> None:
    assert respelt(translation, source) == translation
