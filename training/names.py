"""Swapping names and peoples in a text: who is named should not decide whether it praises or blames.

Counterfactual data augmentation (Lu et al. 2020, Gender Bias in Neural Natural Language Processing), for names.
"""

import re
from collections.abc import Sequence

import numpy as np

# None that is also a word at the beginning of a sentence, as "Will", "Grace" and "Mark" are.
GIVEN_NAMES = (
    "Aaron Abdul Abigail Adam Aiko Aisha Alan Alejandro Alexander Ali Alice Amina Amy Ana Andrew Angela Anita Anna "
    "Anthony Antonio Ashley Barbara Benjamin Bob Brandon Brian Carlos Carmen Caroline Catherine Charles Chen Chloe "
    "Chris Christopher Claire Daniel David DeShawn Deborah Dennis Diego Dimitri Dmitri Ebony Edward Elena Eleni "
    "Elizabeth Emily Emma Eric Esther Ethan Fatima Francesca Gabriel Gary George Giorgos Giulia Hans Hassan Heather "
    "Helen Henry Hiroshi Hùng Hương Ibrahim Igor Imani Ingrid Isabel Ivan Jacob Jamal James Jane Jasmine Jason "
    "Jennifer Jessica Jin Joe John Jonathan Joseph José Juan Julia Kareem Karen Keisha Kenji Kevin Khadija Kim "
    "Kumar Kwame Lakisha Laura Leila Li Linda Linh Lisa Luis Lukas Malik Mandla Marcus Margaret Maria Marie Martin "
    "Mary Matthew Mehmet Mei Michael Michelle Miguel Ming Mohamed Mohammed Muhammad Nancy Natasha Nguyen Nia Nicole "
    "Noah Nora Olga Oliver Olivia Omar Pablo Patricia Patrick Paul Peter Phương Pierre Priya Rachel Rafael Rahul "
    "Raj Ramesh Rashid Rebecca Richard Robert Ronald Rosa Ryan Samir Samuel Sandra Sanjay Sarah Scott Sergei "
    "Shanice Sofia Sophie Stephen Steven Susan Svetlana Tamika Tanisha Thomas Thảo Timothy Tuấn Tyrone Vladimir "
    "Walter Wei William Yasmin Yuki Yusuf Zainab Zhang"
).split()
PEOPLES = (
    "African Albanian Algerian American Arab Argentinian Armenian Asian Australian Austrian Belgian Brazilian "
    "British Buddhist Bulgarian Cambodian Canadian Catholic Chilean Chinese Christian Colombian Cuban Czech Danish "
    "Dutch Egyptian English Ethiopian European Filipino Finnish French German Ghanaian Greek Haitian Hindu "
    "Hungarian Indian Indonesian Iranian Iraqi Irish Israeli Italian Jamaican Japanese Jewish Kenyan Korean Kurdish "
    "Lebanese Malaysian Mexican Mongolian Mormon Moroccan Muslim Nigerian Norwegian Pakistani Palestinian Persian "
    "Peruvian Portuguese Protestant Romanian Russian Scottish Serbian Sikh Somali Spanish Swedish Swiss Syrian "
    "Taiwanese Thai Tunisian Turkish Ugandan Ukrainian Vietnamese Welsh"
).split()
"""And religions."""
_PEOPLES_VI = "Ấn Độ|Hàn Quốc|Indonesia|Lào|Malaysia|Mỹ|Nga|Nhật Bản|Pháp|Thái Lan|Trung Quốc".split("|")


def _named(groups: Sequence[Sequence[str]]) -> tuple[dict[str, Sequence[str]], re.Pattern[str]]:
    """Which group a word is of, and what finds such words."""
    group_of = {word: group for group in groups for word in group}
    return group_of, re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, group_of))})(?![\w-])")


_CASED = _named((GIVEN_NAMES, PEOPLES, _PEOPLES_VI))
_SMALL = _named(
    [
        # In small letters what is short, or a Vietnamese syllable, is mostly something else: "li", "thai", "hương".
        [word.lower() for word in group if " " in word or (word.isascii() and len(word) > 4)]
        for group in (GIVEN_NAMES, PEOPLES, _PEOPLES_VI)
    ]
)


def swap_names(text: str, rng: np.random.Generator) -> str:
    """The text with each given name, people and religion that it names become another one, the same each time. They are
    found in a text of small letters too.
    """
    groups, pattern = _SMALL if text.islower() else _CASED
    others: dict[str, str] = {}
    for word in pattern.findall(text):
        group = groups[word]
        others.setdefault(word, group[int(rng.integers(len(group)))])
    return pattern.sub(lambda match: others[match.group()], text)
