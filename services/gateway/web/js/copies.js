// @ts-check
/** Where the shop uses this very picture, edited or not. */

import { el } from "./dom.js";
import { overlay } from "./overlay.js";
import { tile } from "./tile.js";
import { percent } from "./words.js";

/**
 * @typedef {import("./api.js").CopiesAnswer} CopiesAnswer
 * @typedef {import("./api.js").CopyMatch} CopyMatch
 */

/** The questions that reverse image search is for, by what the server calls them. */
export const ORDERS = /** @type {const} */ ([
  ["best", "Surest first"],
  ["most_changed", "Most changed first"],
  ["biggest", "Biggest first"],
  ["newest", "Newest first"],
  ["oldest", "Oldest first"],
]);

/** From here on a copy is whole. */
const WHOLE = 0.97;

/** @param {CopiesAnswer} answer */
export function copiesSaid({ matches }) {
  if (!matches.length) return "No copy of this picture";
  return matches.length === 1 ? "The shop has this very picture" : `The shop has this very picture ${matches.length} times`;
}

/** @param {CopyMatch["change"]} change */
export function changeSaid(change) {
  const said = [
    change.overlap < WHOLE && `shows ${percent(change.overlap)} of it`,
    change.query_overlap < WHOLE && "with something around it",
    change.flipped && "mirrored",
    change.recolouring === "grey" && "without colours",
    change.recolouring === "hue" && "in other colours",
  ].filter(Boolean);
  return said.length ? `Your photo is a copy, ${said.join(", ")}.` : "Your photo is the same picture.";
}

/**
 * @param {CopiesAnswer} answer
 * @param {string} photo the address of the shopper's photo
 * @param {{order: string, onOrder: (order: string) => void, onLike: (id: string) => void}} how
 */
export function copiesFound(answer, photo, { order, onOrder, onLike }) {
  const heading = el("h1", { class: "verdict", id: "verdict", tabindex: -1, text: copiesSaid(answer) });
  if (!answer.matches.length) {
    const more = "Neither as it is nor cut, mirrored, turned, framed, written on or recoloured. What looks like it is among the products.";
    return [el("div", { class: "found" }, heading, el("p", { class: "count", text: more }))];
  }
  const head = el("div", { class: "found" }, heading, answer.matches.length > 1 && orders(order, onOrder));
  return [head, el("ul", { class: "copies" }, ...answer.matches.map((match) => shown(match, photo, onLike)))];
}

/** @param {string} chosen @param {(order: string) => void} onOrder */
function orders(chosen, onOrder) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { class: "order", "aria-label": "Order of the copies" }, ...ORDERS.map(([value, text]) => el("option", { value, text })))
  );
  select.value = chosen;
  select.addEventListener("change", () => onOrder(select.value));
  return select;
}

/** @param {CopyMatch} match @param {string} photo @param {(id: string) => void} onLike */
function shown(match, photo, onLike) {
  const facts = [
    ["Size", `${match.width} × ${match.height}`],
    ["Made by", match.creator],
    ["Published", match.published_at && new Date(match.published_at).toLocaleDateString(undefined, { dateStyle: "long" })],
  ].filter(([, value]) => value);
  return el(
    "li",
    { class: "copy", "data-product": match.product_id },
    photo ? overlay(photo, match) : tile(match.image_url, 640, `The shop’s picture of ${match.product_id}`),
    el(
      "div",
      { class: "about" },
      el("h2", { text: match.product_id }),
      el("p", { class: "change", text: changeSaid(match.change) }),
      el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })])),
      el(
        "div",
        { class: "actions" },
        match.page_url && el("a", { class: "button quiet compact", href: match.page_url, text: "See its page" }),
        el("button", { class: "button quiet compact", type: "button", text: "More like this", on: { click: () => onLike(match.product_id) } }),
      ),
    ),
  );
}
