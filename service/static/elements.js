/** Elements, made of text that stays text: nothing on this page is ever read as markup. */

export const find = (id) => document.getElementById(id);

/** An element with attributes and children; a string among the children is a text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** One of the icons that the page defines. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button with nothing but an icon, and its name for who does not see it. */
export function iconButton(name, label, press) {
  const button = element("button", { type: "button", class: "icon", "aria-label": label, title: label });
  button.append(icon(name));
  button.addEventListener("click", press);
  return button;
}

let later = 0;

/** Say something to who listens rather than looks, when it has settled. */
export function announce(text, wait = 0) {
  clearTimeout(later);
  later = setTimeout(() => {
    find("status").textContent = text;
  }, wait);
}
