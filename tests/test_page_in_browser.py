"""The page in a real browser, with a running server behind it."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect, sync_playwright
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from service.app import create_app
from service.settings import Settings


def browsers(own: str) -> list[str]:
    """Where a Chromium may be: the machine's, or playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return [path for path in [*map(shutil.which, names), own] if path and Path(path).exists()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = browsers(playwright.chromium.executable_path)
        if not found:
            pytest.skip("there is no Chromium: install Debian's chromium, or run `playwright install chromium`")
        # As root, as in a container, Chromium's sandbox cannot start.
        running = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        expect.set_options(timeout=20_000)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(toys: Path) -> Iterator[str]:
    """A server of the toys, at `/` and also below the path `/nlp/`."""
    folder = toys / "checkpoints"
    app = create_app(Settings(translation=folder / "tiny-translation", sentiment=folder / "tiny-sentiment"))
    running = make_server("127.0.0.1", 0, DispatcherMiddleware(app, {"/nlp": app}), threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", color_scheme="light")
    made.set_default_timeout(20_000)
    yield made
    made.close()


def watched(page: Page) -> Page:
    """A page that must stay within its policy, its server, and addresses without a text."""
    page.faults = []  # type: ignore[attr-defined]
    page.asked = []  # type: ignore[attr-defined]

    def hear(kind: str, text: str) -> None:
        # A refusal that a test makes is told by the browser too.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            page.faults.append(text)  # type: ignore[attr-defined]

    page.on("console", lambda message: hear(message.type, message.text))
    page.on("pageerror", lambda error: hear("error", str(error)))
    page.on("dialog", lambda dialog: hear("error", f"dialog: {dialog.message}"))
    page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]
    return page


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The page, open and ready; in the end nothing must have gone wrong in it."""
    made = watched(context.new_page())
    made.goto(address)
    expect(made.locator("#state")).to_have_text("Ready.")
    yield made
    assert made.faults == []  # type: ignore[attr-defined]
    known = re.compile(r"|static/[0-9a-f]+/[a-z]+\.(css|js|svg)|translate|sentiment|info|documents(/\w+(/result)?)?")
    for url in made.asked:  # type: ignore[attr-defined]
        assert url.startswith("blob:") or known.fullmatch(url.removeprefix(address)), url
    assert made.url == address
    assert context.cookies() == []


def answer_with(page: Page, path: str, body: Any, status: int = 200, **headers: str) -> None:
    """Let the server seem to answer this at a path."""
    page.route(f"**/{path}", lambda route: route.fulfill(status=status, json=body, headers=headers))


def translated(text: str, **rest: Any) -> dict[str, Any]:
    return {"translations": [{"text": text, "truncated": False, "warnings": [], **rest}], "model": "m"}


def refused(status: int, kind: str, message: str = "no") -> dict[str, Any]:
    return {"error": message, "message": message, "error_type": kind, "errors": [], "request_id": "r"}


def test_what_is_typed_is_translated(page: Page) -> None:
    expect(page.locator("#source")).to_be_focused()
    expect(page.locator("#copy")).to_be_hidden()
    page.keyboard.type("I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    expect(page.locator("#count")).to_have_text("11 / 20,000")
    expect(page.locator("#confidence-text")).to_have_text(re.compile(r"Confidence [\d.]+%"))
    expect(page.locator("#took")).to_have_text(re.compile(r"[\d.]+ ms"))
    assert page.locator("#output").get_attribute("lang") == "vi"
    expect(page.locator("#status")).to_have_text("Tôi yêu bạn.")
    page.click("#clear")
    expect(page.locator("#output")).to_have_text("")
    expect(page.locator("#confidence")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")


def test_an_example_and_the_copy_button(page: Page, context: BrowserContext, address: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address.rstrip("/"))
    page.click("#examples button >> nth=0")
    expect(page.locator("#output")).not_to_have_text("")
    page.click("#copy")
    expect(page.locator("#copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.text_content("#output")
    expect(page.locator("#copy")).to_have_text("Copy")


def test_a_stale_request_is_given_up(page: Page) -> None:
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.failure or ""))
    held: list[Route] = []
    page.route("**/translate", lambda route: held.append(route), times=1)
    page.fill("#source", "Good night.")
    while not held:
        page.wait_for_timeout(20)
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    assert failed == ["net::ERR_ABORTED"]


def test_words_light_up_with_those_that_they_became(page: Page) -> None:
    page.fill("#source", "I love you.")
    target = page.locator("#output .word")
    expect(target).to_have_count(3)
    target.nth(1).hover()
    expect(target.nth(1)).to_have_class("word active")
    linked = page.locator("#mirror .linked")
    assert linked.count() >= 1
    expect(page.locator("#links")).to_have_text(re.compile(r"^yêu ← (love|I|you) \d+%"))
    weights = [float(word.evaluate("w => w.style.getPropertyValue('--weight')")) for word in linked.all()]
    assert all(0.1 <= weight <= 1 for weight in weights)
    # The colour is not the only sign.
    assert linked.first.evaluate("w => getComputedStyle(w).textDecorationLine") == "underline"
    # From the other side: the mirror's words lie where the text's do.
    page.mouse.move(0, 0)
    expect(page.locator(".active")).to_have_count(0)
    box = page.locator("#mirror .word").nth(1).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#mirror .active")).to_have_text("love")
    assert page.locator("#output .linked").count() >= 1
    expect(page.locator("#links")).to_have_text(re.compile("^love → "))


def test_the_mirror_lies_under_the_text(page: Page) -> None:
    """Word for word, also when lines are broken: the box does not scroll, and both have one width and height."""
    page.fill("#source", "It was a long and quiet evening by the sea, \n\nand nobody spoke.\t" * 12 + "\n")
    sizes = page.evaluate(
        "() => ['source', 'mirror'].map((id) => document.getElementById(id)).map((e) => "
        "[e.clientWidth, e.scrollHeight, getComputedStyle(e).font, getComputedStyle(e).letterSpacing])"
    )
    assert sizes[0] == sizes[1]
    assert page.evaluate("() => source.scrollHeight <= source.clientHeight")


def test_places_are_code_points(page: Page) -> None:
    links = [
        {"source": [2, 5], "target": [3, 6], "weight": 0.9},
        # None of these is a link between two words.
        *(
            {"source": s, "target": [0, 2], "weight": 1}
            for s in ([0, 99], [-1, 2], [5, 2], "ab", None, [0.5, 2], [3, 4])
        ),
        {"source": [2, 5], "target": [3, 6], "weight": "1"},
        None,
        7,
    ]
    answer_with(page, "translate", translated("🇻🇳 con 𝒷", alignment=links, score=0.5))
    page.fill("#source", "😀 cat 𝒷")
    word = page.locator("#output .word", has_text="con")
    word.hover()
    expect(page.locator("#mirror .linked")).to_have_text("cat")
    expect(page.locator("#output")).to_have_text("🇻🇳 con 𝒷")


def test_other_translations(page: Page) -> None:
    expect(page.locator("#alternatives")).to_be_hidden()
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    page.click("#alternatives summary")
    buttons = page.locator("#alternative-list button")
    expect(buttons.nth(1)).to_be_visible()
    assert 2 <= buttons.count() <= 4
    expect(buttons.nth(0)).to_have_attribute("aria-pressed", "true")
    other = buttons.nth(1).text_content()
    assert other != "Tôi yêu bạn."
    buttons.nth(1).click()
    expect(page.locator("#output")).to_have_text(other or "")
    expect(buttons.nth(1)).to_be_focused()
    expect(page.locator("#output .word")).to_have_count(0)
    buttons.nth(0).click()
    expect(page.locator("#output .word")).to_have_count(3)


def test_options(page: Page) -> None:
    bodies: list[dict[str, Any]] = []
    page.on("request", lambda request: bodies.append(request.post_data_json) if request.method == "POST" else None)
    page.click("#options summary")
    page.fill("#glossary", "love = mến\n\n__proto__ = x = y\nnothing")
    expect(page.locator("#glossary-problem")).to_have_text("No “term = translation” in line 4.")
    page.fill("#protect", " Hoiquy \n")
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).not_to_have_text("")
    assert bodies[-1] == {
        "text": "I love you.",
        "glossary": {"love": "mến", "__proto__": "x = y"},
        "protect": ["Hoiquy"],
        "scores": True,
        "alignment": True,
    }
    page.fill("#source", "<b>Good night.</b>")
    page.check("#html")
    expect(page.locator("#output")).to_have_text("<b>Chúc ngủ ngon.</b>")
    expect(page.locator("#options-set")).to_have_text("3")
    page.reload()
    assert page.input_value("#protect") == " Hoiquy \n"


def test_how_a_text_feels(page: Page) -> None:
    page.fill("#source", "The best coffee in town!")
    page.keyboard.press("Alt+2")
    expect(page.locator("#tab-sentiment")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#label")).to_have_text("Positive")
    expect(page.locator("#shares li")).to_have_count(2)
    expect(page.locator("#shares li").nth(0)).to_have_text(re.compile(r"Positive\d+%"))
    expect(page.locator("#mirror .word")).to_have_count(5)
    assert page.locator("#mirror .share").count() >= 1
    first = page.locator("#words button").nth(0)
    expect(first).to_have_text(re.compile(r"^\w+ [+−]\d\.\d$"))
    first.click()
    chosen = page.evaluate("() => source.value.slice(source.selectionStart, source.selectionEnd)")
    assert chosen.strip("!") == first.locator(".said").text_content()
    expect(page.locator("#share")).to_have_text(re.compile("makes the text sound more (positive|negative)"))


def feel(page: Page, label: str, bad: float, good: float, **scores: float) -> None:
    """Let "bad good so" seem to be of this label, and its words to add so much to that."""
    pieces = [("bad", 0, 3, bad), ("good", 4, 8, good), ("so", 9, 11, 0.01)]
    explanation = [{"text": t, "start": s, "end": e, "score": v} for t, s, e, v in pieces]
    result = {"label": label, "score": max(scores.values()), "scores": scores, "explanation": explanation}
    answer_with(page, "sentiment", {"results": [result], "model": "m"})
    page.keyboard.press("Alt+2")
    page.fill("#source", "bad good so")
    expect(page.locator("#mirror .share")).to_have_count(2)


def styles(page: Page, selector: str, *names: str) -> list[list[str]]:
    """What elements look like."""
    read = "(all, names) => all.map((e) => names.map((name) => getComputedStyle(e)[name]))"
    return list(page.locator(selector).evaluate_all(read, list(names)))


GLAD, SAD, NEITHER = "rgb(11, 107, 93)", "rgb(160, 58, 18)", "rgb(92, 98, 94)"


@pytest.mark.parametrize(
    ("label", "bad", "good", "scores"),
    [
        # Scores are for the label: what speaks for "negative" is sad.
        ("negative", 2.0, -1.0, {"negative": 0.9, "positive": 0.1}),
        ("negative", 2.0, -1.0, {"positive": 0.1, "negative": 0.7, "neutral": 0.2}),
        ("positive", -2.0, 1.0, {"positive": 0.7, "negative": 0.1, "neutral": 0.2}),
    ],
)
def test_colours_say_glad_and_sad_whatever_the_label_is(
    page: Page, label: str, bad: float, good: float, scores: dict[str, float]
) -> None:
    feel(page, label, bad, good, **scores)
    assert styles(page, "#label", "color") == [[GLAD if label == "positive" else SAD]]
    # The words differ in more than colour.
    assert styles(page, "#mirror .share", "textDecorationStyle") == [["dotted"], ["solid"]]
    assert page.locator("#words").inner_text().split("\n") == ["bad −2.0", "good +1.0"]
    assert styles(page, "#words .figure", "color") == [[SAD], [GLAD]]
    assert styles(page, ".sample", "textDecorationColor") == [[GLAD], [SAD]]
    colours = {"Positive": GLAD, "Negative": SAD, "Neutral": NEITHER}
    names = [text.rstrip("%0123456789") for text in page.locator("#shares li").all_inner_texts()]
    found = styles(page, "#shares .bar > span", "backgroundColor")
    assert found == [[colours[name.strip()]] for name in names]
    legend = page.locator(".legend")
    expect(legend).to_have_text(re.compile("more positive.*more negative"))
    page.locator("#words button").nth(0).focus()
    expect(page.locator("#status")).to_have_text("bad −2.0: makes the text sound more negative")
    page.click("#language")
    expect(legend).to_have_text(re.compile("tích cực hơn.*tiêu cực hơn"))


def test_what_is_neither_glad_nor_sad_has_no_such_colour(page: Page) -> None:
    feel(page, "neutral", -2.0, 1.0, positive=0.1, negative=0.2, neutral=0.7)
    assert styles(page, "#label", "color") == [["rgb(28, 32, 30)"]]
    assert styles(page, "#mirror .share", "textDecorationStyle") == [["dotted"], ["solid"]]
    assert styles(page, "#words .figure", "color") == [[NEITHER]] * 2
    assert page.locator("#words").inner_text().split("\n") == ["bad −2.0", "good +1.0"]
    expect(page.locator(".legend")).to_have_text(re.compile("for “Neutral”.*against “Neutral”"))


PAYLOADS = [
    '<img src=x onerror="window.hacked=1">',
    "<script>window.hacked=1</script>",
    '"><svg onload=window.hacked=1>',
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked=1')()}}",
    "</textarea><style>*{display:none}</style><math><mtext><img src=1 onerror=hacked=1>",
]


def elements(page: Page) -> list[str]:
    """The kinds of elements in the page; none of them may come from a text."""
    return sorted(set(page.evaluate("() => [...document.querySelectorAll('*')].map((e) => e.localName)")))


def assert_harmless(page: Page, before: list[str]) -> None:
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.hacked") is None
    assert set(elements(page)) - set(before) <= {"b", "li", "button"}
    assert page.locator("img").count() == 1
    assert page.locator("script").count() == 2
    assert page.locator("iframe, style, object, embed").count() == 0


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_texts_stay_text(page: Page, payload: str) -> None:
    before = elements(page)
    page.click("#options summary")
    page.fill("#glossary", f"{payload} = {payload}")
    page.check("#html")
    page.fill("#source", payload)
    expect(page.locator("#output")).not_to_have_text("")
    page.keyboard.press("Alt+2")
    expect(page.locator("#label")).not_to_have_text("")
    page.click("#open-history")
    expect(page.locator("#history-list .said").first).to_have_text(payload)
    assert_harmless(page, before)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_answers_stay_text(page: Page, payload: str) -> None:
    before = elements(page)
    link = {"source": [0, 2], "target": [0, len(payload)], "weight": 1}
    answer = translated(
        payload, alternatives=[f"{payload}!", payload + " b"], score=0.5, alignment=[link], warnings=[payload]
    )
    answer_with(page, "translate", answer)
    share = {"text": payload, "start": 0, "end": 2, "score": 1.5}
    result = {"label": payload, "score": 0.7, "scores": {payload: 0.7, "b": 0.3}, "explanation": [share]}
    answer_with(page, "sentiment", {"results": [result], "model": payload})
    page.fill("#source", "Hi there.")
    expect(page.locator("#output")).to_have_text(payload)
    page.click("#alternatives summary")
    page.locator("#alternative-list button").nth(1).click()
    page.locator("#alternative-list button").nth(0).click()
    page.locator("#output .word").hover()
    expect(page.locator("#warning")).to_contain_text(payload)
    page.keyboard.press("Alt+2")
    expect(page.locator("#label")).to_have_text(payload)
    expect(page.locator("#legend-more")).to_contain_text(payload)
    page.unroute("**/sentiment")
    answer_with(page, "sentiment", refused(422, "Validation", payload), 422)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notice-text")).to_contain_text(payload)
    assert_harmless(page, before)


@pytest.mark.parametrize(
    "body", [None, [], {}, "x", {"translations": []}, {"translations": [None]}, {"translations": [{"text": 3}]}]
)
def test_answers_that_are_none(page: Page, body: Any) -> None:
    answer_with(page, "translate", body)
    page.fill("#source", "Hi.")
    expect(page.locator("#notice-text")).to_have_text(re.compile("does not understand"))


def test_the_browser_keeps_the_policy(page: Page) -> None:
    """Were there ever a mistake in a script of ours, this is what would become of it."""
    for attempt in (
        "document.body.innerHTML = '<b>x</b>'",
        "document.body.appendChild(Object.assign(document.createElement('script'), {text: 'window.hacked=1'}))",
        "document.body.setAttribute('onclick', 'window.hacked=1')",
        "fetch('https://example.org/')",
    ):
        with pytest.raises(Error):
            page.evaluate(f"async () => {{ await ({attempt}); }}")
    assert page.evaluate("() => window.hacked") is None
    page.faults.clear()  # type: ignore[attr-defined]
    page.asked.clear()  # type: ignore[attr-defined]


def stored(page: Page) -> dict[str, Any]:
    """What the browser keeps of the page."""
    return {k.removeprefix("hoiquy."): json.loads(v) for k, v in page.evaluate("() => ({...localStorage})").items()}


def test_history_stays_in_the_browser(page: Page) -> None:
    page.fill("#source", "Good")
    expect(page.locator("#output")).not_to_have_text("")
    page.locator("#source").blur()
    with page.expect_response("**/translate"):
        page.fill("#source", "Good night.")
    expect(page.locator("#output")).to_have_text("Chúc ngủ ngon.")
    page.locator("#source").blur()
    page.click("#open-history")
    expect(page.locator("#history-list li")).to_have_count(1)  # the beginning is gone
    expect(page.locator("#close-history")).to_be_focused()
    (entry,) = stored(page)["history"]
    assert (entry["text"], entry["gist"], entry["view"]) == ("Good night.", "Chúc ngủ ngon.", "translation")
    assert page.evaluate("() => sessionStorage.length") == 0
    page.keyboard.press("Escape")
    page.fill("#source", "")
    page.click("#open-history")
    page.click("#history-list .entry")
    expect(page.locator("#output")).to_have_text("Chúc ngủ ngon.")
    page.click("#open-history")
    page.uncheck("#remember")
    expect(page.locator("#history-list li")).to_have_count(0)
    page.click("#close-history")
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    page.locator("#source").blur()
    assert stored(page) == {"remember": False}


def test_history_has_an_end(page: Page) -> None:
    old = [{"text": f"text {n}", "gist": "g", "view": "translation", "time": n} for n in range(30)]
    page.evaluate("(old) => localStorage.setItem('hoiquy.history', JSON.stringify([...old, null, {text: 1}]))", old)
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    page.click("#open-history")
    expect(page.locator("#history-list li")).to_have_count(30)
    assert [entry["text"] for entry in stored(page)["history"]][:2] == ["I love you.", "text 0"]
    page.click("#history-list li >> nth=0 >> .icon")
    expect(page.locator("#history-list li")).to_have_count(29)
    page.click("#forget")
    expect(page.locator("#history-empty")).to_be_visible()
    assert "history" not in stored(page)


def ground(page: Page) -> str:
    return str(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


def test_light_and_dark(page: Page) -> None:
    light = ground(page)
    page.emulate_media(color_scheme="dark")
    dark = ground(page)
    assert light != dark
    page.click("#theme")
    expect(page.locator("#theme")).to_have_attribute("aria-label", "Theme: light")
    assert ground(page) == light
    page.reload()
    assert ground(page) == light
    page.click("#theme")
    page.emulate_media(color_scheme="light")
    assert ground(page) == dark
    page.click("#theme")
    assert ground(page) == light
    assert stored(page) == {}


def test_the_page_names_the_languages_that_are_served(page: Page) -> None:
    expect(page.locator("#source-name")).to_have_text("English")
    expect(page.locator("#examples li")).to_have_count(3)
    served = {"status": "ok", "source_language": "fr", "target_language": "de"}
    answer_with(page, "info", {"limits": {}, "models": {"translation": served, "sentiment": {"status": "ok"}}})
    page.reload()
    expect(page.locator("#source-name")).to_have_text("French")
    expect(page.locator("#output-name")).to_have_text("German")
    expect(page.locator("#output")).to_have_attribute("lang", "de")
    expect(page.locator("#examples li")).to_have_count(0)
    page.click("#tab-sentiment")
    expect(page.locator("#source-name")).to_have_text("Text")
    expect(page.locator("#examples li")).to_have_count(3)


def test_the_interface_speaks_vietnamese(page: Page, browser: Browser, address: str) -> None:
    page.fill("#source", "I love you.")
    page.click("#language")
    assert page.evaluate("() => document.documentElement.lang") == "vi"
    expect(page.locator("#tab-translation")).to_have_text("Dịch")
    expect(page.locator("#source-name")).to_have_text("Tiếng Anh")
    expect(page.locator("#output-name")).to_have_text("Tiếng Việt")
    expect(page.locator("#language")).to_have_text("English")
    expect(page.locator("#confidence-text")).to_have_text(re.compile("Độ tin cậy"))
    expect(page.locator("#clear")).to_have_attribute("aria-label", "Xoá")
    page.reload()
    expect(page.locator("#tab-translation")).to_have_text("Dịch")
    other = browser.new_context(locale="vi-VN")
    fresh = other.new_page()
    fresh.goto(address)
    expect(fresh.locator("#tab-sentiment")).to_have_text("Cảm xúc")
    assert fresh.title() == "Hoiquy: dịch và cảm xúc"
    other.close()


def focused(page: Page) -> str:
    """What has the focus, which must be seen."""
    name, seen = page.evaluate(
        """() => {
          const e = document.activeElement;
          const style = getComputedStyle(e);
          const frame = getComputedStyle(e.closest(".source") ?? e, "::after");
          const outlined = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
          const seen = outlined || frame.boxShadow !== "none";
          return [e.id || e.className || e.localName, seen];
        }"""
    )
    assert seen, name
    return str(name)


def test_everything_by_keyboard(page: Page) -> None:
    page.focus(".skip")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    reached = [focused(page)]
    while len(reached) < 8:
        page.keyboard.press("Tab")
        reached.append(focused(page))
    assert reached == ["skip", "tab-translation", "open-history", "theme", "language", "source", "button", "button"]
    page.keyboard.press("Enter")  # an example
    expect(page.locator("#output .word").first).to_be_visible()
    expect(page.locator("#source")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("I love you.")
    expect(page.locator("#output .word")).to_have_count(3)
    reached = []
    while "word" not in (reached or [""])[-1]:
        page.keyboard.press("Tab")
        reached.append(focused(page))
    assert reached[:3] == ["open-file", "copy", "word active"]
    page.keyboard.press("ArrowRight")
    expect(page.locator("#output .word").nth(1)).to_be_focused()
    expect(page.locator("#links")).to_have_text(re.compile("^yêu ← "))
    expect(page.locator("#status")).to_have_text(re.compile("^yêu ← "))
    page.keyboard.press("End")
    expect(page.locator("#links")).to_have_text(re.compile("^bạn ← "))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the alternatives
    expect(page.locator("#alternative-list button").nth(1)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#source")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#source")).to_have_value("")
    page.keyboard.insert_text("I love you.")
    expect(page.locator("#output .word")).to_have_count(3)
    page.keyboard.press("Home")
    for _ in "I l":
        page.keyboard.press("ArrowRight")
    expect(page.locator("#mirror .active")).to_have_text("love")
    page.keyboard.press("Alt+2")
    expect(page.locator("#label")).not_to_have_text("")
    page.focus("#tab-sentiment")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-translation")).to_be_focused()
    expect(page.locator("#translation")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # the skip link
    expect(page.locator("#source")).to_be_focused()
    page.evaluate("() => history.replaceState(null, '', '.')")  # it leaves only its own #source


def test_whatever_takes_input_has_a_name(page: Page) -> None:
    page.fill("#source", "I love you.")
    page.click("#options summary")
    page.click("#alternatives summary")
    expect(page.locator("#alternative-list button").nth(1)).to_be_visible()
    for opened in ("#open-history", None):
        if opened:
            page.click(opened)
            expect(page.locator("#history-list li")).to_have_count(1)
        session = page.context.new_cdp_session(page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        roles = ("button", "textbox", "checkbox", "tab", "link", "tabpanel", "dialog", "tablist", "progressbar")
        asked = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles]
        assert len(asked) >= 5
        assert [node for node in asked if not node["name"]["value"].strip()] == []
        page.keyboard.press("Escape")
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    headings = page.evaluate("() => [...document.querySelectorAll('h1, h2, h3')].map((e) => e.localName)")
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


def test_who_wants_less_motion_gets_none(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.click("#open-history")
    assert page.evaluate("() => document.getAnimations().length") == 0


def test_a_phone_needs_no_sideways_scroll(browser: Browser, address: str) -> None:
    phone = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, locale="vi-VN")
    page = phone.new_page()
    page.goto(address)

    def assert_narrow() -> None:
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
        wide = "(e) => e.getBoundingClientRect().right > 361 && getComputedStyle(e).visibility !== 'hidden'"
        assert (
            page.evaluate(f"() => [...document.querySelectorAll('body *')].filter({wide}).map((e) => e.outerHTML)")
            == []
        )

    assert_narrow()
    page.fill("#source", "I love you. " * 5 + "x" * 200)
    expect(page.locator("#output")).not_to_have_text("")
    page.click("#alternatives summary")
    page.click("#options summary")
    expect(page.locator("#alternative-list button").nth(1)).to_be_visible()
    assert_narrow()
    page.locator("#output .word").first.tap()
    expect(page.locator("#links")).to_contain_text("←")
    page.tap("#tab-sentiment")
    expect(page.locator("#words button").first).to_be_visible()
    assert_narrow()
    page.tap("#open-history")
    expect(page.locator("#history-list li").first).to_be_visible()
    page.wait_for_timeout(300)
    assert_narrow()
    heights = page.evaluate("() => [...document.querySelectorAll('dialog .icon')].map((e) => e.offsetHeight)")
    assert all(height >= 44 for height in heights if height)
    phone.close()


def test_it_works_below_a_path(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(f"{address}nlp/")
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")


def test_a_busy_server_is_asked_again_when_it_says(page: Page) -> None:
    body = refused(429, "Overloaded", "32 requests are under way")
    headers = {"Retry-After": "1"}
    page.route("**/translate", lambda route: route.fulfill(status=429, json=body, headers=headers), times=1)
    page.fill("#source", "I love you.")
    expect(page.locator("#notice-text")).to_have_text("The server is busy.")
    expect(page.locator("#notice-wait")).to_have_text("Again in 1 s")
    assert page.locator("#output").text_content() == ""
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "kind", "said", "may_try"),
    [
        (413, "TooLarge", "That is too much at once: no.", False),
        (422, "Validation", "The server does not take this: no.", False),
        (500, "Internal", "Something went wrong on the server. Its log says what, under req-7.", True),
        (503, "Overloaded", "The model is not ready.", True),
        (504, "Timeout", "This took too long. Try less text at once.", True),
    ],
)
def test_refusals_in_plain_words(page: Page, status: int, kind: str, said: str, may_try: bool) -> None:
    answer_with(page, "translate", refused(status, kind), status, **{"X-Request-ID": "req-7"})
    page.fill("#source", "I love you.")
    expect(page.locator("#notice-text")).to_have_text(said)
    expect(page.locator("#again")).to_be_visible(visible=may_try)
    page.unroute("**/translate")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    expect(page.locator("#notice")).to_be_hidden()


def test_what_is_wrong_is_said_in_the_language_that_is_switched_to(page: Page) -> None:
    # A refusal that is not tried again by itself, so that the notice stays while it is looked at.
    answer_with(page, "translate", refused(504, "Timeout"), 504)
    page.fill("#source", "I love you.")
    expect(page.locator("#notice-text")).to_have_text("This took too long. Try less text at once.")
    page.click("#language")
    expect(page.locator("#notice-text")).to_have_text(re.compile("^Việc này mất quá nhiều thời gian"))
    expect(page.locator("#again")).to_have_text("Thử lại")
    page.unroute("**/translate")
    page.click("#again")
    expect(page.locator("#notice")).to_be_hidden()
    page.click("#language")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_server_that_is_away(page: Page) -> None:
    page.route("**/translate", lambda route: route.abort("connectionrefused"))
    page.fill("#source", "I love you.")
    expect(page.locator("#notice-text")).to_have_text("The server cannot be reached.")
    expect(page.locator("#state")).to_have_text("Not ready.")
    page.unroute("**/translate")
    page.click("#again")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    expect(page.locator("#state")).to_have_text("Ready.")


def test_a_server_that_comes_late(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.route("**/info", lambda route: route.fulfill(status=502, body="<html>bad gateway</html>"), times=1)
    page.goto(address)
    expect(page.locator("#notice-text")).to_have_text("The server cannot be reached.")
    expect(page.locator("#state")).to_have_text("Waiting for the server.")
    expect(page.locator("#state")).to_have_text("Ready.")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_text_over_the_limit_is_not_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "translate" in request.url else None)
    page.evaluate("() => { source.value = '😀'.repeat(20001); source.dispatchEvent(new Event('input')); }")
    expect(page.locator("#notice-text")).to_contain_text("20,001 characters, and 20,000 are allowed")
    expect(page.locator("#count")).to_have_class("count over")
    assert sent == []


def test_no_old_answer_stays_where_there_is_none(page: Page) -> None:
    page.fill("#source", "I love you.")
    expect(page.locator("#mirror .word")).to_have_count(3)
    page.evaluate("() => { source.value += 'x'.repeat(20000); source.dispatchEvent(new Event('input')); }")
    expect(page.locator("#notice")).to_be_visible()

    def assert_nothing() -> None:
        expect(page.locator("#output")).to_have_text("")
        for name in ("copy", "confidence", "alternatives", "align", "warning"):
            expect(page.locator(f"#{name}")).to_be_hidden()

    assert_nothing()
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    answer_with(page, "translate", refused(422, "Validation"), 422)
    page.fill("#source", "Good night.")
    expect(page.locator("#notice")).to_be_visible()
    assert_nothing()
    page.keyboard.press("Alt+2")
    expect(page.locator("#label")).not_to_have_text("")
    answer_with(page, "sentiment", refused(422, "Validation"), 422)
    page.fill("#source", "I love you.")
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#verdict")).to_be_hidden()


def test_an_answer_stays_when_only_more_of_it_was_refused(page: Page) -> None:
    def serve(route: Route) -> None:
        if "alignment" in route.request.post_data_json:
            route.fulfill(status=422, json=refused(422, "Validation"))
        else:
            route.continue_()

    page.route("**/translate", serve)
    page.fill("#source", "I love you. " * 60)  # too long to be asked for all at once
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#output")).to_contain_text("Tôi yêu bạn.")


def test_what_was_not_translated_is_told_in_the_pages_language(page: Page) -> None:
    warning = "nothing was translated: the text may be no English, or a name, or have no words"
    answer_with(page, "translate", translated("Hoiquy", warnings=[warning]))
    page.fill("#source", "Hoiquy")
    expect(page.locator("#warning")).to_have_text(f"N{warning[1:]}.")
    page.click("#language")
    expect(page.locator("#warning")).to_contain_text("hoặc là tên riêng")


def test_a_key_is_asked_for_and_kept_for_the_tab(page: Page) -> None:
    keys: list[str | None] = []

    def guard(route: Route) -> None:
        keys.append(route.request.headers.get("x-api-key"))
        if keys[-1] == "good":
            route.continue_()
        else:
            route.fulfill(status=403, json=refused(403, "Auth", "a key is needed"))

    page.route("**/translate", guard)
    page.fill("#source", "I love you.")
    expect(page.locator("#key")).to_be_focused()
    assert page.get_attribute("#key", "type") == "password"
    page.keyboard.type("bad")
    page.keyboard.press("Enter")
    expect(page.locator("#key-hint")).to_have_text("This key was refused. Is it whole?")
    page.keyboard.press("Escape")
    page.click("#again")  # "Give a key"
    page.fill("#key", " good ")
    page.click("#key-form [type=submit]")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    assert keys == [None, "bad", "good"]
    assert page.evaluate("() => ({...sessionStorage})") == {"hoiquy.key": "good"}
    assert "good" not in json.dumps(stored(page))


def with_documents(page: Page, *kinds: str) -> None:
    """Let the server seem to take files of these kinds, of at most 1,000 bytes."""

    def tell(route: Route) -> None:
        info = route.fetch().json()
        limits = {**info["limits"], "max_document_bytes": 1000}
        route.fulfill(json={**info, "limits": limits, "documents": {"kinds": kinds}})

    page.route("**/info", tell)
    page.reload()
    expect(page.locator("#file")).to_have_attribute("accept", ",".join([".txt", *kinds]))


def test_a_small_text_file_is_read_into_the_box(page: Page) -> None:
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"\xef\xbb\xbfI love\r\nyou."})
    expect(page.locator("#source")).to_have_value("I love\nyou.")
    expect(page.locator("#output")).not_to_have_text("")
    page.set_input_files("#file", {"name": "b.txt", "mimeType": "text/plain", "buffer": b"\xff\xfe\x00"})
    line = page.locator("#document-list .failed").last
    expect(line).to_have_text("b.txtis not a UTF-8 text")
    page.set_input_files("#file", {"name": "<b>.exe", "mimeType": "text/plain", "buffer": b"MZ"})
    expect(line).to_contain_text("<b>.execannot be read here; these can: .txt .md")
    with_documents(page, ".md")
    for name, most in (("c.txt", "20,000 characters"), ("c.md", "0 MB")):
        page.set_input_files("#file", {"name": name, "mimeType": "text/plain", "buffer": b"x" * 90_000})
        expect(line).to_have_text(f"{name}is larger than the {most} that are taken")


def test_a_file_that_is_opened_does_not_destroy_what_was_typed(page: Page) -> None:
    page.fill("#source", "Good night.")
    expect(page.locator("#output")).to_have_text("Chúc ngủ ngon.")
    one, two = ({"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"I love you."} for n in (1, 2))
    page.set_input_files("#file", one)
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
    assert [entry["text"] for entry in stored(page)["history"]] == ["Good night."]
    page.keyboard.press("Control+z")
    expect(page.locator("#output")).to_have_text("Chúc ngủ ngon.")
    # Several are files, of which none takes another's place.
    page.evaluate("() => { document.getElementById('file').multiple = true; }")
    page.set_input_files("#file", [one, two])
    expect(page.locator("#document-list a")).to_have_count(2)
    expect(page.locator("#source")).to_have_value("Good night.")


def test_warnings_are_shown_in_every_view_and_in_the_pages_language(page: Page) -> None:
    german = "Das Wetter ist heute sehr schön und wir gehen alle zusammen in die Stadt."
    english = "This looks like German, and was read as if it were English"
    page.fill("#source", german)
    expect(page.locator("#warning")).to_have_text(f"{english}.")
    page.click("#tab-sentiment")
    expect(page.locator("#sentiment-warning")).to_have_text(f"{english} or Vietnamese.")
    page.click("#language")
    expect(page.locator("#sentiment-warning")).to_have_text(
        "Văn bản này có vẻ là Tiếng Đức, nhưng đã được đọc như Tiếng Anh hoặc Tiếng Việt."
    )
    page.fill("#source", "Good night.")
    expect(page.locator("#sentiment-warning")).to_be_hidden()
    page.click("#language")
    page.set_input_files("#file", {"name": "a.md", "mimeType": "text/plain", "buffer": german.encode()})
    expect(page.locator("#document-list .file-state")).to_have_text(f"is translated. {english}.")


def test_a_key_that_no_header_can_carry_is_asked_for_again(page: Page) -> None:
    refusal = refused(403, "Auth", "a key is needed")
    page.route(
        "**/translate",
        lambda route: (
            route.continue_() if route.request.headers.get("x-api-key") else route.fulfill(status=403, json=refusal)
        ),
    )
    page.fill("#source", "I love you.")
    page.fill("#key", "khoá-đỏ")
    page.keyboard.press("Enter")
    expect(page.locator("#key-hint")).to_have_text("This key was refused. Is it whole?")
    page.fill("#key", "good")
    page.keyboard.press("Enter")
    expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")


def test_a_key_is_asked_for_where_a_file_comes_first(page: Page) -> None:
    refusal = refused(403, "Auth", "a key is needed")

    def guard(route: Route) -> None:
        if route.request.headers.get("x-api-key"):
            route.continue_()
        else:
            route.fulfill(status=403, json=refusal)

    page.route("**/documents", guard)
    page.set_input_files("#file", {"name": "a.md", "mimeType": "text/plain", "buffer": b"Good night."})
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.type("good")
    page.keyboard.press("Enter")
    expect(page.locator("#document-list a")).to_have_count(1)


def test_what_was_deleted_does_not_come_back(page: Page) -> None:
    page.fill("#source", "Good night.")
    expect(page.locator("#output")).to_have_text("Chúc ngủ ngon.")
    for button in ("#history-list .icon", "#forget"):
        page.fill("#source", "I love you.")
        expect(page.locator("#output")).to_have_text("Tôi yêu bạn.")
        page.click("#open-history")
        page.click(button)
        page.click("#close-history")
        page.locator("#source").focus()
        page.locator("#source").blur()
        page.click("#open-history")
        expect(page.locator("#history-list .said", has_text="I love you.")).to_have_count(0)
        page.click("#close-history")
        page.fill("#source", "Good night.")
        expect(page.locator("#output")).to_have_text("Chúc ngủ ngon.")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (413, r"That is too much at once: 413 [\w ]+Too Large\."),
        (429, r"The server is busy\."),
        (404, r"The server does not take this: 404 Not Found\."),
    ],
)
def test_what_a_proxy_refuses_is_said_in_plain_words(page: Page, status: int, said: str) -> None:
    page.route("**/translate", lambda route: route.fulfill(status=status, body="<html>nginx</html>"))
    page.fill("#source", "I love you.")
    expect(page.locator("#notice-text")).to_have_text(re.compile(f"^{said}$"))


@pytest.mark.parametrize("locale", ["en-US", "vi-VN"])
def test_it_fits_where_a_page_is_enlarged_fourfold(browser: Browser, address: str, locale: str) -> None:
    narrow = browser.new_context(viewport={"width": 320, "height": 600}, locale=locale)
    page = narrow.new_page()
    page.goto(address)
    page.fill("#source", "I love you.")
    expect(page.locator("#output")).not_to_have_text("")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    narrow.close()


def drop(page: Page, name: str, content: str) -> None:
    """A file dragged onto the page and let go."""
    page.evaluate(
        """([name, content]) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([content], name));
          for (const kind of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
          }
        }""",
        [name, content],
    )


def test_a_file_is_translated_and_fetched(page: Page, address: str, tmp_path: Path) -> None:
    with_documents(page, ".md")
    job = {"id": "d1", "name": "notes.md", "total": 4, "done": 0}
    states = [{**job, "status": "translating", "done": 1}, {**job, "status": "done", "done": 4}]
    asked: list[tuple[str, str]] = []

    def serve(route: Route) -> None:
        request = route.request
        asked.append((request.method, request.url.removeprefix(address)))
        if request.method == "POST":
            assert b'filename="notes.md"' in (request.post_data_buffer or b"")
            route.fulfill(status=202, json={**job, "status": "queued"})
        elif request.method == "DELETE":
            route.fulfill(status=204)
        elif request.url.endswith("/result"):
            disposition = "attachment; filename=notes.vi.md; filename*=UTF-8''ghi%20ch%C3%BA.md"
            route.fulfill(body="# Chào", headers={"Content-Disposition": disposition})
        else:
            route.fulfill(json=states.pop(0))

    page.route("**/documents**", serve)
    page.route("**/documents/**", serve)
    drop(page, "notes.md", "# Hello")
    expect(page.locator("#document-list progress")).to_have_attribute("aria-label", "Progress of “notes.md”")
    expect(page.locator(".file-state")).to_have_text("1 of 4")
    link = page.locator("#document-list a")
    expect(link).to_have_text("Download")
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "ghi chú.md"
    download.value.save_as(tmp_path / "result")
    assert (tmp_path / "result").read_text(encoding="utf-8") == "# Chào"
    page.click("#language")
    expect(link).to_have_text("Tải xuống")
    expect(page.locator("#document-list .icon")).to_have_attribute("aria-label", "Bỏ")
    paths = [("POST", "documents"), *[("GET", "documents/d1")] * 2, ("GET", "documents/d1/result")]
    assert asked == [*paths, ("DELETE", "documents/d1")]
    page.click("#document-list .icon")
    expect(page.locator("#documents")).to_be_hidden()


def test_a_file_goes_all_the_way(page: Page, tmp_path: Path) -> None:
    """To the service itself and back."""
    drop(page, "night.md", "# Good night.\n\n* I love you.\n")
    with page.expect_download() as download:
        page.click("#document-list a")
    assert download.value.suggested_filename == "night.vi.md"
    download.value.save_as(tmp_path / "result")
    assert (tmp_path / "result").read_text(encoding="utf-8") == "# Chúc ngủ ngon.\n\n* Tôi yêu bạn.\n"
    drop(page, "broken.json", "{")
    expect(page.locator("#document-list .failed .file-state")).to_contain_text(
        "could not be translated: it is not JSON"
    )


def test_a_file_that_cannot_be_translated(page: Page) -> None:
    with_documents(page, ".docx")
    error = {"id": "d2", "name": "a.docx", "status": "error", "done": 0, "total": 0, "error": "<b>this is no .docx</b>"}
    page.route("**/documents", lambda route: route.fulfill(status=202, json=error))
    page.route("**/documents/**", lambda route: route.fulfill(status=204))
    drop(page, "a.docx", "PK")
    expect(page.locator(".file-state")).to_have_text("could not be translated: <b>this is no .docx</b>")
    page.click("#language")
    expect(page.locator(".file-state")).to_have_text("không dịch được: <b>this is no .docx</b>")


def test_a_file_that_is_not_wanted_any_more(page: Page, address: str) -> None:
    with_documents(page, ".md")
    gone: list[str] = []
    status = {"id": "d3", "name": "a.md", "status": "queued", "done": 0, "total": 0}

    def serve(route: Route) -> None:
        if route.request.method == "DELETE":
            gone.append(route.request.url)
        route.fulfill(status=202, json=status)

    page.route("**/documents**", serve)
    page.route("**/documents/**", serve)
    drop(page, "a.md", "Hi.")
    expect(page.locator(".file-state")).to_have_text("waits for its turn")
    page.click("#document-list .icon")
    expect(page.locator("#documents")).to_be_hidden()
    page.wait_for_timeout(200)
    assert gone == [f"{address}documents/d3"]
