"""Single quotes, which a translator takes for apostrophes."""

import re


def double_quoted(text: str) -> str:
    """A text with double quotes, if it has none yet, instead of single ones, which look like apostrophes."""
    if any(mark in text for mark in _DOUBLE):
        return text
    return _SINGLE_QUOTED.sub(
        lambda match: match[0][0].translate(_TO_DOUBLE) + match[0][1:-1] + match[0][-1].translate(_TO_DOUBLE), text
    )


def quoted_like(text: str, source: str) -> str:
    """A translation of a text that was read so, with the source's quotes."""
    if double_quoted(source) == source:
        return text
    return text.translate(_TO_SINGLE_CURLY if "‘" in source else _TO_SINGLE)


_DOUBLE = '"“”'
_TO_DOUBLE = {ord("'"): '"', ord("‘"): "“", ord("’"): "”"}
_TO_SINGLE, _TO_SINGLE_CURLY = dict.fromkeys(map(ord, _DOUBLE), "'"), {ord("“"): "‘", ord("”"): "’"}
_SINGLE_QUOTED = re.compile(
    r"(?<!\w)(?:'(?=[^\W\d])(?!(?:em|n|til|tis|twas|cause)\b)[^'\n]+(?:(?<=\w)'(?=\w)[^'\n]*)*(?<![\s(])'|"
    r"‘(?=\w)[^‘’\n]+(?:(?<=\w)’(?=\w)[^‘’\n]*)*(?<!\s)’)(?!\w)"
)
