/** What this browser keeps: choices, history, options. Where storage is refused, nothing is kept, and nothing breaks. */

const PREFIX = "hoiquy.";

/** The value kept under a name, or `otherwise` where there is none that can be read. */
export function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a value; null forgets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Full or refused: the page works without.
  }
}
