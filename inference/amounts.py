"""Sums of money as Vietnamese has them.

What a translator has hardly seen ("€30", "$400k") it shortens or changes, and a wrong sum is worse than a wrong word.
"""

import re
from collections.abc import Iterator

_AMOUNT = r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,2})?|\d{1,9}(?:\.\d{1,2})?"
"""No "1.000", which is a thousand to some and one to others."""
_CURRENCIES = {"€": "euro", "£": "bảng", "¥": "yên", "₩": "won", "₫": "đồng", "$": "đô la", "US$": "đô la Mỹ"}
_SCALES = {
    "k": "nghìn",
    "thousand": "nghìn",
    "m": "triệu",
    "mn": "triệu",
    "million": "triệu",
    "b": "tỷ",
    "bn": "tỷ",
    "billion": "tỷ",
    "tn": "nghìn tỷ",
    "trillion": "nghìn tỷ",
}
_SHORT_SCALE = r"(?:[kK]|[mM]n?|[bB]n?|[tT]n)(?![\w-])"
_SCALE = "thousand|million|billion|trillion"
_MONEY = re.compile(
    rf"(?<![\w.,$€£¥₩₫–—-])(?P<sign>US\$|[$€£¥₩₫])\s?(?P<amount>{_AMOUNT})"
    rf"(?:(?P<short>{_SHORT_SCALE})|\s(?P<scale>{_SCALE})\b|(?!\s(?:{_SCALE})\b))(?!\w|[.,]\d|[-–—][\w$€£¥₩₫])"
)
_CHANGED = str.maketrans(".,", ",.")


def amounts(text: str) -> Iterator[tuple[int, int, str]]:
    """Where sums of money begin and end in an English text, and what they are in Vietnamese."""
    for match in _MONEY.finditer(text) if any(sign[-1] in text for sign in _CURRENCIES) else ():
        sign, amount, scale = match["sign"], match["amount"], match["short"] or match["scale"]
        # Of dollars in full the model knows all but large ones with cents.
        if not sign.endswith("$") or match["short"] or ("," in amount and "." in amount):
            words = [amount.translate(_CHANGED), _SCALES[scale.lower()] if scale else "", _CURRENCIES[sign]]
            yield *match.span(), " ".join(filter(None, words))
