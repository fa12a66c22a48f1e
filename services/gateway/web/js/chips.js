// @ts-check
/** What we think it is, to correct with a tap. */

import { el } from "./dom.js";
import { nameSaid, percent } from "./words.js";

const SHOWN = 4;
const LEAST = 0.03;

/**
 * @param {readonly import("./api.js").Guess[]} guesses
 * @param {readonly {name: string, leaves: string[]}[]} groups every category there is
 * @param {string | null} picked
 * @param {(category: string | null) => void} onPick
 */
export function chips(guesses, groups, picked, onPick) {
  const offered = guesses.filter((guess) => guess.probability >= LEAST).slice(0, SHOWN);
  const elsewhere = picked !== null && !offered.some((guess) => guess.name === picked);
  const list = el("ul", {}, ...offered.map((guess) => el("li", {}, chip(guess, guess.name === picked, onPick))));
  list.append(el("li", {}, everything(groups, elsewhere ? picked : null, onPick)));
  return el("div", { class: "chips", role: "group", "aria-labelledby": "chips-title" }, el("h2", { id: "chips-title", text: "What is it?" }), list);
}

/**
 * @param {import("./api.js").Guess} guess
 * @param {boolean} pressed
 * @param {(category: string | null) => void} onPick
 */
function chip(guess, pressed, onPick) {
  const button = el(
    "button",
    { class: "chip", type: "button", "data-category": guess.name, on: { click: () => onPick(pressed ? null : guess.name) } },
    nameSaid(guess.name),
    el("span", { class: "share", "aria-hidden": "true", text: percent(guess.probability) }),
  );
  button.setAttribute("aria-pressed", String(pressed));
  return button;
}

/**
 * @param {readonly {name: string, leaves: string[]}[]} groups
 * @param {string | null} picked
 * @param {(category: string | null) => void} onPick
 */
function everything(groups, picked, onPick) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { "aria-label": "Another kind of thing", class: picked ? "picked" : null }, el("option", { value: "", text: picked ? "Anything" : "Something else" }))
  );
  for (const { name, leaves } of groups) {
    const options = [name, ...leaves.filter((leaf) => leaf !== name)].map((each) => el("option", { value: each, text: nameSaid(each) }));
    select.append(options.length > 1 ? el("optgroup", { label: nameSaid(name) }, ...options) : options[0]);
  }
  select.value = picked ?? "";
  select.addEventListener("change", () => onPick(select.value || null));
  return select;
}
