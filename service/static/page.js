/** The page: asks as the text is typed, and shows the answer in the view that is chosen. */

import { info } from "./api.js";
import { limitDocuments, redrawDocuments, startDocuments } from "./documents.js";
import { element, find } from "./elements.js";
import { remember, remembers, startHistory } from "./history.js";
import { drawTheme, startTheme } from "./look.js";
import { clearNotice, redrawNotice, showNotice, showRefusal, startNotice } from "./notice.js";
import { drawOptions, keepOptions, startOptions } from "./options.js";
import { sentiment } from "./sentiment.js";
import * as source from "./source.js";
import { countPoints } from "./spans.js";
import { startTranslation, translation } from "./translation.js";
import { languageName, number, say, switchLanguage, translatePage } from "./words.js";

const PAUSE = 150; // milliseconds without a key before a text is asked for
const SETTLED = 2000; // and before it goes into the history
const SLOW = 250; // before an old answer looks old
const FEW = 0.8; // of the characters that a text may have: with more, the count is said in words
const EXAMPLES = {
  translation: ["Could you help me, please?", "She is reading a book about the sea.", "My brother bought a new house last year."],
  sentiment: ["A wonderful, moving film.", "The room was clean, but the staff were rude and slow.", "I laughed, I cried, and I want to see it again."],
};
const VIEWS = { translation, sentiment };

let view = "translation";
let languages = { source: "en", target: "vi" }; // what is translated into what
let limit = Infinity;
let controller = new AbortController();
let asking = 0;
let settling = 0;
let answered = null; // the text that the answer shown is to
let served = null; // what the server says of itself
let isThere = true; // whether it answered when it was last asked

/** Ask for the text as it stands, after a pause; whatever was asked before is no longer wanted. */
function ask(wait = 0) {
  clearTimeout(asking);
  clearTimeout(settling);
  controller.abort();
  controller = new AbortController();
  answered = null;
  const { signal } = controller;
  if (source.text().trim()) {
    asking = setTimeout(() => answer(signal), wait);
  } else {
    clearNotice();
    clear();
  }
}

/** Take away what is shown: it is no answer to the text as it stands. */
function clear() {
  find("result").classList.remove("stale");
  VIEWS[view].clear();
  source.unmark();
}

async function answer(signal, isWhole = false) {
  const text = source.text();
  const current = VIEWS[view];
  clearNotice();
  const count = countPoints(text);
  if (count > limit) {
    clear();
    showNotice(() => say("error-long", { count: number(count), limit: number(limit) }));
    return;
  }
  const slow = setTimeout(() => find("result").classList.add("stale"), SLOW);
  const show = async (detailed) => current.show(await current.ask(text, detailed, signal), detailed);
  try {
    await show(isWhole || count <= current.instant);
    answered = text;
    seen(true);
    if (!current.isDetailed && count <= current.limit) await show(true);
    settling = setTimeout(settle, SETTLED);
  } catch (error) {
    if (signal.aborted) return;
    seen(error.kind !== "Offline");
    if (answered !== text) clear();
    showRefusal(error, ask);
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) find("result").classList.remove("stale");
  }
}

/** If the text has its answer, it is what was meant: it goes into the history. */
function settle() {
  clearTimeout(settling);
  const text = source.text();
  if (answered === text) remember({ view, text, gist: VIEWS[view].gist });
}

/** What was deleted does not come back by itself: the text as it stands is not kept. */
function leave() {
  answered = null;
}

/** Bring a text of the history back. */
function recall(entry) {
  if (entry.view in VIEWS && entry.view !== view) choose(entry.view);
  source.replace(entry.text, true);
}

function drawCount() {
  const text = source.text();
  const count = countPoints(text);
  const line = find("count");
  const isShort = count <= FEW * limit;
  const said = { count: number(count), limit: number(limit) };
  line.textContent = isShort ? `${said.count} / ${said.limit}` : say("count", said);
  line.hidden = limit === Infinity;
  line.classList.toggle("over", count > limit);
  find("bench").dataset.size = count <= 90 ? "large" : count <= 400 ? "middle" : "small";
  find("clear").hidden = text === "";
  find("examples").hidden = text !== "";
}

function drawLanguages() {
  const isTranslation = view === "translation";
  find("source-name").textContent = isTranslation ? languageName(languages.source) : say("text");
  find("source").lang = isTranslation ? languages.source : "";
  find("output-name").textContent = languageName(languages.target);
  for (const id of ["output", "alternative-list"]) find(id).lang = languages.target;
}

function drawExamples() {
  const item = (text) => {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => source.replace(text, true));
    return element("li", {}, button);
  };
  const isReadable = view === "sentiment" || languages.source === "en";
  find("examples").replaceChildren(...(isReadable ? EXAMPLES[view].map(item) : []));
}

/** Show another view of the same text. */
function choose(name) {
  settle();
  clear();
  view = name;
  for (const other of Object.keys(VIEWS)) {
    const tab = find(`tab-${other}`);
    tab.setAttribute("aria-selected", other === view);
    tab.tabIndex = other === view ? 0 : -1;
    find(other).hidden = other !== view;
  }
  const isTranslation = view === "translation";
  find("options").hidden = !isTranslation;
  drawLanguages();
  drawExamples();
  ask();
}

function seen(isIt) {
  if (isThere === isIt) return;
  isThere = isIt;
  drawState();
}

function drawState() {
  const line = find("state");
  const models = Object.values(served?.models ?? {});
  const isReady = isThere && models.length > 0 && models.every((model) => model?.status === "ok");
  line.classList.toggle("ready", isReady);
  line.textContent = say(served === null ? "waiting" : isReady ? "ready" : "not-ready");
}

/** Ask the server what it serves, until it says so. */
async function prepare() {
  try {
    served = await info();
  } catch (error) {
    drawState();
    showRefusal(error, prepare);
    return;
  }
  const { limits = {}, documents, models } = served;
  const { source_language: from, target_language: to } = models?.translation ?? {};
  if (from && to) languages = { source: from, target: to };
  limit = limits.max_text_characters ?? limit;
  translation.limits(limits);
  limitDocuments({ documents, limits });
  drawState();
  drawCount();
  drawLanguages();
  drawExamples();
  if (source.text()) ask();
}

function redraw() {
  translatePage();
  drawTheme();
  drawLanguages();
  drawOptions();
  drawState();
  drawCount();
  redrawNotice();
  redrawDocuments();
  VIEWS[view].redraw();
}

function startTabs() {
  const names = Object.keys(VIEWS);
  for (const name of names) find(`tab-${name}`).addEventListener("click", () => choose(name));
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = names[(names.indexOf(view) + steps[event.key] + names.length) % names.length];
    choose(next);
    find(`tab-${next}`).focus();
  });
}

/** Keys for the whole page. */
function pressed(event) {
  if (document.querySelector("dialog[open]")) return;
  const tab = { Digit1: "translation", Digit2: "sentiment" }[event.code];
  if (event.altKey && !event.ctrlKey && !event.metaKey && tab) {
    event.preventDefault();
    choose(tab);
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    ask();
  } else if (event.key === "Escape" && !event.isComposing && !event.target.closest("#options")) {
    // From elsewhere it leads to the box, and empties it from there.
    if (event.target === find("source")) source.replace("", true);
    else find("source").focus();
  }
}

function start() {
  translatePage();
  startTheme();
  startNotice();
  startTabs();
  startOptions(() => {
    keepOptions(remembers());
    ask(PAUSE);
  });
  startTranslation({ ask, settle });
  startDocuments({ settle });
  startHistory({ recall, settle, leave, change: keepOptions });
  source.listen((number, byKeyboard) => VIEWS[view].point(number, byKeyboard));
  find("source").addEventListener("input", () => {
    drawCount();
    ask(PAUSE);
  });
  find("source").addEventListener("blur", settle);
  find("clear").addEventListener("click", () => source.replace("", true));
  for (const { detailButton } of Object.values(VIEWS)) {
    detailButton.addEventListener("click", () => answer(controller.signal, true));
  }
  find("language").addEventListener("click", () => {
    switchLanguage();
    redraw();
  });
  document.addEventListener("keydown", pressed);
  drawLanguages();
  drawExamples();
  drawCount();
  drawState();
  source.unmark();
  if (matchMedia("(hover: hover)").matches) find("source").focus();
  prepare();
}

start();
