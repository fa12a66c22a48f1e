// @ts-check
/** The start's own parts: some of the shop's products to begin with, and whom the pictures are owed to. */

import * as api from "./api.js";
import { byId, el } from "./dom.js";
import { plainly } from "./results.js";
import { tile } from "./tile.js";
import { priceSaid } from "./words.js";

const SHOWN = 9;
const LOOKED_AT = 120;

/** @param {(id: string) => void} onLike */
export async function showSuggestions(onLike) {
  const { products } = await api.products(LOOKED_AT);
  const pictured = products.filter((product) => product.images.length > 0);
  // Spread over the catalogue, which is in the order of ids and so has like things side by side.
  const step = Math.max(1, pictured.length / SHOWN);
  const chosen = Array.from({ length: Math.min(SHOWN, pictured.length) }, (_, place) => pictured[Math.floor(place * step)]);
  byId("suggested").replaceChildren(...chosen.map((product) => suggestion(product, onLike)));
  byId("suggestions").hidden = chosen.length === 0;
  byId("empty").hidden = chosen.length > 0;
}

/** @param {api.Product} product @param {(id: string) => void} onLike */
function suggestion(product, onLike) {
  const title = product.title || product.product_id;
  const said = [title, priceSaid(product.price)].filter(Boolean).join(", ");
  const follow = (/** @type {MouseEvent} */ event) => plainly(event, () => onLike(product.product_id));
  return el("li", {}, el("a", { href: `?like=${encodeURIComponent(product.product_id)}`, title: said, on: { click: follow } }, tile(product.images[0].image_url, 320, title)));
}

export async function showCredits() {
  const credits = await api.credits();
  byId("credits").replaceChildren(...credits.map(({ text, url, licence }) => el("li", {}, url ? el("a", { href: url, text }) : text, ` (${licence})`)));
}
