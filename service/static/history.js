/** The last texts, in this browser only; they can be deleted, and not kept at all. */

import { element, find, iconButton } from "./elements.js";
import { keep, kept } from "./kept.js";
import { language, say } from "./words.js";

const MOST = 30;
const NAME = "history";
const SOON = 120_000; // milliseconds within which a text that goes on is still the same one

const drawer = find("history");

const isEntry = (entry) => entry && ["text", "gist", "view"].every((name) => typeof entry[name] === "string");

/** What is kept, the newest first. */
function entries() {
  const found = kept(NAME, []);
  return Array.isArray(found) ? found.filter(isEntry) : [];
}

/** Whether texts are to be kept. */
export const remembers = () => kept("remember", true) === true;

/** Keep a text and what was said of it; a text that goes on takes its beginning's place. */
export function remember(entry) {
  if (!remembers() || !entry.text.trim() || !entry.gist) return;
  const now = Date.now();
  const goesOn = (before) => before.view === entry.view && now - before.time < SOON && entry.text.startsWith(before.text);
  const others = entries().filter((before, index) => {
    const isSame = before.text === entry.text && before.view === entry.view;
    return !isSame && !(index === 0 && goesOn(before));
  });
  keep(NAME, [{ ...entry, time: now }, ...others].slice(0, MOST));
}

function forgetOne(entry) {
  keep(NAME, entries().filter((other) => other.time !== entry.time || other.text !== entry.text));
}

/** How long ago something was, in the interface's words. */
function ago(time) {
  const minutes = Math.round((time - Date.now()) / 60_000);
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  if (!Number.isFinite(minutes)) return "";
  if (minutes > -60) return words.format(minutes, "minute");
  if (minutes > -60 * 24) return words.format(Math.round(minutes / 60), "hour");
  return words.format(Math.round(minutes / 60 / 24), "day");
}

/** Show what is kept; `recall(entry)` brings one back, and `leave` is called when one was deleted. */
function drawHistory(recall, leave) {
  const item = (entry) => {
    const button = element(
      "button",
      { type: "button", class: "entry" },
      element("span", { class: "said" }, entry.text.slice(0, 200)),
      element("span", { class: "gist", ...(entry.view === "translation" && { lang: "vi" }) }, entry.gist.slice(0, 200)),
      element("span", { class: "when" }, `${say(entry.view === "sentiment" ? "sentiment" : "translation")} · ${ago(entry.time)}`),
    );
    button.addEventListener("click", () => {
      drawer.close();
      recall(entry);
    });
    const remove = iconButton("close", say("delete"), () => {
      forgetOne(entry);
      leave();
      drawHistory(recall, leave);
      find("close-history").focus();
    });
    return element("li", {}, button, remove);
  };
  const found = entries();
  find("history-list").replaceChildren(...found.map(item));
  find("history-empty").hidden = found.length > 0;
  find("history-empty").textContent = say(remembers() ? "history-empty" : "history-off");
  find("forget").hidden = found.length === 0;
  find("remember").checked = remembers();
}

/**
 * Begin to listen. `recall(entry)` brings a text back, `settle` lets the present one be kept, `leave` lets it not be, and
 * `change(isWanted)` says that what is typed is to be kept from now on, or no longer.
 */
export function startHistory({ recall, settle, leave, change }) {
  const draw = () => drawHistory(recall, leave);
  find("open-history").addEventListener("click", () => {
    settle();
    draw();
    drawer.showModal();
  });
  find("close-history").addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close(); // the shade beside it
  });
  find("forget").addEventListener("click", () => {
    keep(NAME, null);
    leave();
    change(false);
    draw();
    find("close-history").focus();
  });
  find("remember").addEventListener("change", ({ target }) => {
    keep("remember", target.checked);
    if (!target.checked) keep(NAME, null);
    change(target.checked);
    draw();
  });
}
