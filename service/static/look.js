/** The theme: the system's, light or dark. */

import { announce, find, icon } from "./elements.js";
import { keep } from "./kept.js";
import { say } from "./words.js";

const THEMES = ["auto", "light", "dark"];
const theme = () => document.documentElement.dataset.theme ?? "auto";

/** Show on the button which theme there is. */
export function drawTheme() {
  const button = find("theme");
  const name = say(`theme-${theme()}`);
  button.replaceChildren(icon(theme()));
  button.setAttribute("aria-label", name);
  button.title = name;
}

/** Begin to listen: the button goes from one theme to the next. */
export function startTheme() {
  find("theme").addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    keep("theme", next === "auto" ? null : next);
    drawTheme();
    announce(say(`theme-${next}`));
  });
  drawTheme();
}
