"""The page as the server gives it: its policy, its caching, its phrases, its colours."""

import gzip
import json
import re

import pytest
from conftest import ROOT
from flask.testing import FlaskClient

from service.app import create_app
from service.page import POLICY
from service.settings import Settings

STATIC = ROOT / "service" / "static"
HTML = (STATIC / "index.html").read_text(encoding="utf-8")
CSS = (STATIC / "page.css").read_text(encoding="utf-8")
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Of a service without models: the page is there all the same."""
    nothing = tmp_path_factory.mktemp("nothing")
    return create_app(Settings(translation=nothing, sentiment=nothing)).test_client()


def addresses(client: FlaskClient) -> list[str]:
    """The page's files, as it names them."""
    return re.findall(r'(?:href|src)="(static/[^"]+)"', client.get("/").get_data(as_text=True))


def test_the_page_and_its_files_are_served_under_the_policy(client: FlaskClient) -> None:
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert {path.rsplit(".", 1)[1] for path in addresses(client)} == {"css", "js", "svg"}
    for path in ["", *addresses(client)]:
        response = client.get(f"/{path}")
        assert response.status_code == 200
        assert response.content_type == f"{kinds[path.rsplit('.', 1)[-1] or 'html']}; charset=utf-8"
        assert response.headers["Content-Security-Policy"] == POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in response.headers


def test_the_policy_lets_in_only_what_is_ours() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


def test_files_are_kept_for_ever_and_the_page_is_asked_for_anew(client: FlaskClient) -> None:
    path = addresses(client)[0]
    assert client.get(f"/{path}").headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/").headers["Cache-Control"] == "no-cache"
    # Another replica's version must not be kept under this name.
    assert client.get("/static/0123456789abcdef/page.css").headers["Cache-Control"] == "no-store"
    for known in ("/", f"/{path}"):
        tag = client.get(known).headers["ETag"]
        again = client.get(known, headers={"If-None-Match": tag})
        assert (again.status_code, again.get_data()) == (304, b"")
        assert again.headers["ETag"] == tag


def test_files_are_packed_for_who_can_unpack_them(client: FlaskClient) -> None:
    plain, packed = client.get("/"), client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_all_of_it_is_small(client: FlaskClient) -> None:
    files = [path.name for path in STATIC.iterdir() if path.suffix != ".html"]
    folder = addresses(client)[0].rsplit("/", 1)[0]
    answers = [
        client.get(path, headers={"Accept-Encoding": "gzip"}) for path in ["/", *(f"/{folder}/{f}" for f in files)]
    ]
    assert all(answer.status_code == 200 for answer in answers)
    assert sum(len(answer.get_data()) for answer in answers) < 40_000


def test_who_asks_for_json_gets_the_one_error_body(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert "POST /translate" in answer.get_json()["message"]
    assert client.get("/", headers={"Accept": "*/*"}).mimetype == "text/html"


@pytest.mark.parametrize(
    "path", ["index.html", "../page.py", "..%2fpage.py", "nothing.js", "page.css/", "%00", "__init__.py"]
)
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/static/0/{path}")
    assert answer.status_code == 404
    assert answer.get_json()["error_type"] == "NotFound"


def test_nothing_stands_in_the_page_but_markup() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", HTML)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", HTML) == ["", ""]
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', HTML):
        assert address == "docs" or address.startswith(("#", "static/")), address
    assert not re.search(r"url\(|@import|https?:", CSS)


def test_no_script_makes_markup_of_a_text_or_puts_one_into_an_address() -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc|setHTML"
    for name, script in SCRIPTS.items():
        assert not re.search(forbidden, script), name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|document\.cookie|location\.|pushState", script), name


def words() -> dict[str, dict[str, str]]:
    """The interface's phrases, by language."""
    table = re.search(r"const WORDS = (\{.*?\n\});", SCRIPTS["words.js"], re.DOTALL)
    assert table
    return dict(json.loads(table.group(1)))


def test_every_phrase_is_there_in_both_languages() -> None:
    english, vietnamese = words()["en"], words()["vi"]
    assert english.keys() == vietnamese.keys()
    assert all(english.values())
    assert all(vietnamese.values())
    for key, phrase in english.items():
        names = set(re.findall(r"\{(\w+)\}", phrase))
        assert names == set(re.findall(r"\{(\w+)\}", vietnamese[key])), key
    fixed = set(re.findall(r'data-i18n(?:-label|-placeholder)?="([^"]+)"', HTML))
    assert fixed <= english.keys()
    said = set(re.findall(r'"([\w-]+)"', "".join(SCRIPTS[name] for name in SCRIPTS if name != "words.js")))
    made = {f"theme-{name}" for name in ("auto", "light", "dark")} | {
        "label-positive",
        "label-negative",
        "label-neutral",
    }
    unused = english.keys() - fixed - said - made - {"title", "switch", "label-none"}
    # Of warnings, which `words.js` says itself.
    unused -= {"untranslated", "unread", "misread", "or", "truncated"}
    assert not unused


def test_the_page_says_in_english_what_the_table_says() -> None:
    for key, text in re.findall(r'data-i18n="([^"]+)"[^>]*>([^<]*)<', HTML):
        assert words()["en"][key] == text
    for key, text in re.findall(r'data-i18n-label="([^"]+)" aria-label="([^"]*)"', HTML):
        assert words()["en"][key] == text


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2's contrast ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def palette() -> list[dict[str, tuple[float, ...]]]:
    """The custom properties' colours, of the light and of the dark theme."""
    found = re.findall(r"--(\w[\w-]*): light-dark\(#(\w{6}), #(\w{6})\);", CSS)
    rgb = lambda text: tuple(int(text[i : i + 2], 16) for i in (0, 2, 4))  # noqa: E731
    return [{name: rgb(values[theme]) for name, *values in found} for theme in (0, 1)]


def mixed(colour: tuple[float, ...], ground: tuple[float, ...], share: float) -> tuple[float, ...]:
    """So much of a colour over a ground."""
    return tuple(share * c + (1 - share) * g for c, g in zip(colour, ground, strict=True))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_stand_out_from_their_ground(theme: int) -> None:
    colours = palette()[theme]
    grounds = ["paper", "card", "tint", "hover"]
    for text in ("ink", "soft", "accent", "down", "bad"):
        for ground in grounds:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    for ground in ("card", "tint"):
        assert contrast(colours["edge"], colours[ground]) >= 3
        # A word in the strongest colour, and the notice.
        strongest = max(
            int(share) for share in re.findall(r"var\(--weight\) \* (\d+)%\), transparent\); background", CSS)
        )
        for side in ("accent", "down", "soft"):
            assert contrast(colours["ink"], mixed(colours[side], colours[ground], strongest / 100)) >= 4.5
    assert contrast(colours["bad"], mixed(colours["bad"], colours["card"], 0.09)) >= 4.5
