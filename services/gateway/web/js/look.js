// @ts-check
/** The whole look: a row for each piece of the photo. */

import { el } from "./dom.js";
import { card, lacking } from "./results.js";
import { nameSaid } from "./words.js";

/** @param {import("./api.js").Look} look */
export const lookSaid = (look) => (look.rows.length === 1 ? "1 piece found" : `${look.rows.length} pieces found`);

/**
 * @param {import("./api.js").Look} look
 * @param {{onLike: (id: string) => void, onLook: (requestId: string, id: string) => void}} how
 */
export function lookFound(look, { onLike, onLook }) {
  const heading = el("h1", { class: "verdict", id: "verdict", tabindex: -1, text: lookSaid(look) });
  return [el("div", { class: "found" }, heading, el("p", { class: "count", text: "For each piece what comes closest in the shop." }), lacking(look.degraded)), ...look.rows.map((row, place) => shown(row, place, onLike, onLook))];
}

/**
 * @param {import("./api.js").LookRow} row
 * @param {number} place
 * @param {(id: string) => void} onLike
 * @param {(requestId: string, id: string) => void} onLook
 */
function shown(row, place, onLike, onLook) {
  const id = `piece-${place}`;
  const cards = row.results.map((result) => card(result, false, onLike, (product) => onLook(row.request_id, product)));
  const what = cards.length ? el("ul", { class: "grid row", tabindex: 0, "aria-labelledby": id }, ...cards) : el("p", { class: "count", text: "The shop has nothing like it." });
  return el("section", { class: "piece", "aria-labelledby": id }, el("h2", { id, text: nameSaid(row.region.category) }), what);
}
