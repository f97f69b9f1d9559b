"""Turning a review round: words of praise and blame change places, and so does its label.

Counterfactual training text, so that a classifier reads those words and not what stands beside them by chance (Wang and
Culotta 2021, Robustness to Spurious Correlations in Text Classification via Automatically Generated Counterfactuals;
Kaushik et al. 2020 had people turn reviews round, by as few words as could be).
"""

import re

OPPOSITE = {"positive": "negative", "negative": "positive"}
"""The labels that turn round."""
# Praise, then blame. None that is mostly something else: "like", "well", "hay" (or), "mean".
_PAIRS = """
good bad; great terrible; excellent awful; best worst; better worse; superb dreadful; wonderful horrible;
amazing atrocious; fantastic pathetic; brilliant stupid; outstanding abysmal; awesome lousy; perfect flawed;
perfectly poorly; beautiful ugly; beautifully badly; lovely nasty; nice unpleasant; pleasant unpleasant;
enjoyable tedious; entertaining boring; interesting dull; fascinating tiresome; exciting boring; fun boring;
funny unfunny; hilarious unfunny; clever silly; smart dumb; original unoriginal; fresh stale; believable unbelievable;
convincing unconvincing; memorable forgettable; impressive disappointing; impressed disappointed;
satisfied dissatisfied; happy unhappy; pleased annoyed; delighted disgusted; loved hated; love hate; loves hates;
enjoyed disliked; enjoy dislike; liked disliked; recommend avoid; recommended overrated; masterpiece disaster;
gem mess; success failure; succeeds fails; succeed fail; succeeded failed; worthwhile worthless; worth "not worth";
useful useless; helpful unhelpful; reliable unreliable; sturdy flimsy; comfortable uncomfortable; easy difficult;
friendly rude; polite rude; attentive careless; courteous hostile; clean dirty; spotless filthy;
delicious disgusting; tasty tasteless; flavorful bland; generous stingy; quick slow; fast slow; prompt slow;
quiet noisy; spacious cramped; cheap overpriced; affordable overpriced; professional unprofessional; honest dishonest;
fortunately unfortunately; joy pain; charm clichés; flawless flawed; strong weak; rich shallow; deep shallow;
moving lifeless; powerful feeble; gripping boring; engaging boring; favorite "least favorite";
glad sorry; praise blame; highlight "low point"; ngon dở; tốt tệ; đẹp xấu; sạch bẩn; nhanh chậm; rẻ đắt; thích ghét;
mượt lag; rõ mờ; xịn dỏm; "hài lòng" "thất vọng"; "tuyệt vời" "kinh khủng"; "nhiệt tình" "hời hợt";
"thân thiện" "thô lỗ"; "dễ hiểu" "khó hiểu"; "dễ chịu" "khó chịu"; "dễ thương" "khó ưa"; "lịch sự" "thô lỗ";
"chu đáo" "cẩu thả"; "cẩn thận" "cẩu thả"; "hấp dẫn" "nhàm chán"; "thú vị" "nhàm chán"; "yên tĩnh" "ồn ào";
"rộng rãi" "chật chội"; "tươi ngon" "ôi thiu"; "xuất sắc" "tệ hại"; "ổn định" "chập chờn"; "đáng tiền" "phí tiền";
"vui vẻ" "cau có"; "sạch sẽ" "bẩn thỉu"; "hợp lý" "vô lý"; "tận tâm" "vô trách nhiệm"; "ủng hộ" "tẩy chay";
"thoải mái" "khó chịu"
"""
# Words that have one of these within and say something else.
_OTHERWISE = """
giải thích; thích hợp; thích nghi; kích thích; sở thích; rõ ràng; làm rõ; nêu rõ; tốt nghiệp; tốt bụng; đẹp trai;
đẹp gái; xấu hổ; nhanh nhẹn; nhanh nhạy; chậm trễ; chậm chạp; dở dang; mờ nhạt; at best; at worst; as well as
"""
_WORD = re.compile(r'"([^"]+)"|(\S+)')
_SHORT = 30
"""Words of a text that one word of praise or blame can turn round; of a longer one there must be more."""


def _tables() -> tuple[dict[str, str], set[str]]:
    """What each word becomes, and which of them praise."""
    other: dict[str, str] = {}
    praise: set[str] = set()
    for pair in _PAIRS.split(";"):
        good, bad = ("".join(match) for match in _WORD.findall(pair))
        praise.add(good)
        # A word of several pairs becomes its first partner.
        other.setdefault(good, bad)
        other.setdefault(bad, good)
    return other, praise


_OTHER, _PRAISE = _tables()
_LONGEST_FIRST = sorted({*_OTHER, *(word.strip() for word in _OTHERWISE.split(";"))}, key=len, reverse=True)
_FIND = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _LONGEST_FIRST))})(?!\w)", re.IGNORECASE)


def turned_round(text: str, label: str) -> tuple[str, str]:
    """A text and its label, both turned round; as they were, where the text does not say what it thinks in such words:
    one of them in a short text, three in a longer one, and of all of them three quarters on the label's side.
    """
    found = [word for match in _FIND.finditer(text) if (word := match.group().lower()) in _OTHER]
    for_label = sum((word in _PRAISE) == (label == "positive") for word in found)
    enough = 1 if len(text.split()) <= _SHORT else 3
    if label not in OPPOSITE or for_label < enough or for_label < 0.75 * len(found):
        return text, label
    return _FIND.sub(lambda match: _other(match.group()), text), OPPOSITE[label]


def _other(other: str) -> str:
    """The word that takes a word's place, with its capitals; the word itself, where it has no opposite."""
    word = _OTHER.get(other.lower(), other)
    if other.isupper() and len(other) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if other[0].isupper() else word
