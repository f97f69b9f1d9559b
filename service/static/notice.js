/** What stands in the way, and when it is tried again; and the question for a key. */

import { Refusal, hasKey, useKey } from "./api.js";
import { find } from "./elements.js";
import { number, say } from "./words.js";

let timer = 0;
let retry = () => {};
let draw = () => {};

/** Take the notice away. */
export function clearNotice() {
  clearInterval(timer);
  find("notice").hidden = true;
}

/**
 * Say what is wrong, as `said()` has it in the page's language. `again()` is called after `seconds`, or at once by a
 * button named `label`; without it there is nothing to be tried.
 */
export function showNotice(said, { again = null, seconds = 0, label = "again" } = {}) {
  clearNotice();
  retry = () => {
    clearNotice();
    again?.();
  };
  draw = () => {
    // What already stands there is not read out once more.
    if (find("notice-text").textContent !== said()) find("notice-text").textContent = said();
    find("again").textContent = say(label);
  };
  draw();
  find("notice").hidden = false;
  find("again").hidden = again === null;
  find("notice-wait").textContent = "";
  if (seconds > 0) countDown(seconds);
}

/** Write what is shown in the interface's new language; the seconds follow by themselves. */
export function redrawNotice() {
  if (!find("notice").hidden) draw();
}

function countDown(seconds) {
  const end = Date.now() + 1000 * seconds;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left <= 0) retry();
    else find("notice-wait").textContent = say("again-in", { seconds: number(left) });
  };
  tick();
  timer = setInterval(tick, 250);
}

/** Say why there is no answer, and try again when that may help. */
export function showRefusal(error, again) {
  if (!(error instanceof Refusal)) throw error;
  if (error.kind === "Auth") askForKey(again);
  else if (error.retryAfter) showNotice(() => error.message, { again, seconds: error.retryAfter });
  else showNotice(() => error.message, ["Internal", "Timeout", "Answer"].includes(error.kind) ? { again } : {});
}

function askForKey(again) {
  const dialog = find("key-dialog");
  find("key-hint").textContent = say(hasKey() ? "key-refused" : "key-hint");
  find("key").value = "";
  showNotice(() => say("key-needed"), { again: () => askForKey(again), label: "give-key" });
  find("key-form").onsubmit = () => {
    useKey(find("key").value.trim());
    clearNotice();
    again();
  };
  if (!dialog.open) dialog.showModal();
}

/** Begin to listen. */
export function startNotice() {
  find("again").addEventListener("click", () => retry());
  find("key-cancel").addEventListener("click", () => find("key-dialog").close());
  addEventListener("online", () => {
    if (!find("notice").hidden && !find("again").hidden) retry();
  });
}
