// @ts-check
/** What was found, as a shop would show it; and the states in which nothing is. */

import { el, icon } from "./dom.js";
import { tile } from "./tile.js";
import { lackSaid, nameSaid, percent, priceSaid, resultsSaid, verdictSaid } from "./words.js";

/**
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {import("./api.js").Result} Result
 */

const PARTS = /** @type {const} */ ([["visual", "Look"], ["colour", "Colour"], ["category", "Kind"], ["text", "Words"], ["attributes", "Details"], ["business", "Shop"]]);
const SWATCHES = 5;
const LIKE_ICON = "M9 9h11v11H9zM5 15V4h11";
const CONFIDENT = ["exact_copy", "edited_copy", "same_product"];

/**
 * @param {Answer} answer
 * @param {{like: boolean, onLike: (id: string) => void, onLook: (id: string) => void, filters: HTMLElement | null}} how onLook: a result is looked at more closely
 */
export function found(answer, { like, onLike, onLook, filters }) {
  const heading = el("h1", { class: "verdict", id: "verdict", tabindex: -1, text: verdictSaid(answer, like) });
  const took = Object.values(answer.timings_ms).reduce((sum, each) => sum + each, 0);
  const seconds = took >= 100 ? ` in ${(took / 1000).toFixed(1)} s` : "";
  const count = el("p", { class: "count", text: `${resultsSaid(answer.results.length)}, best match first. Compared with ${answer.index.items} pictures${seconds}.` });
  const best = !like && CONFIDENT.includes(answer.verdict);
  const cards = answer.results.map((result, place) => card(result, best && place === 0, onLike, onLook));
  return [el("div", { class: "found" }, heading, count, lacking(answer.degraded), filters), el("ul", { class: "grid" }, ...cards)];
}

/**
 * A word about what the answer goes without; null where nobody would notice.
 * @param {import("./api.js").Lack[]} [degraded]
 */
export function lacking(degraded) {
  const said = lackSaid(degraded);
  return said ? el("p", { class: "lacking", text: said }) : null;
}

/**
 * @param {Result} result
 * @param {boolean} best
 * @param {(id: string) => void} onLike
 * @param {(id: string) => void} onLook
 */
export function card(result, best, onLike, onLook) {
  const title = result.title || result.product_id;
  const looked = { click: () => onLook(result.product_id) };
  const link = result.url ? el("a", { href: result.url, text: title, on: looked }) : title;
  const classes = ["card", best && "best", !result.in_stock && "sold-out"].filter(Boolean).join(" ");
  const made = el("li", { class: classes, "data-product": result.product_id });
  const why = reasons(result);
  made.append(
    tile(result.image_url, 320, title, why),
    el(
      "div",
      { class: "body" },
      el("h3", {}, link),
      el("p", { class: "kind", text: [result.brand, result.category && kindSaid(result.category)].filter(Boolean).join(" · ") }),
      el("span", { class: "price", text: priceSaid(result.price) }),
      el("span", { class: "stock", text: result.in_stock ? "In stock" : "Sold out" }),
      swatches(result, onLike),
      match(result, made),
      el("a", { class: "button quiet compact again", href: `?like=${encodeURIComponent(result.product_id)}`, "aria-label": `More like ${title}`, on: { click: (/** @type {MouseEvent} */ event) => (onLook(result.product_id), plainly(event, () => onLike(result.product_id))) } }, icon(LIKE_ICON), "More like this"),
    ),
  );
  return made;
}

/**
 * The other colours and sizes of a style.
 * @param {Result} result
 * @param {(id: string) => void} onLike
 */
function swatches(result, onLike) {
  if (!result.variants?.length) return null;
  const made = result.variants.slice(0, SWATCHES).map((variant) => {
    const name = variant.colour || variant.title || variant.product_id;
    const picture = el("img", { src: `${variant.image_url}?width=160`, alt: name, loading: "lazy", decoding: "async" });
    return el("li", {}, el("a", { href: `?like=${encodeURIComponent(variant.product_id)}`, title: name, on: { click: (/** @type {MouseEvent} */ event) => plainly(event, () => onLike(variant.product_id)) } }, picture));
  });
  const more = result.variants.length - made.length;
  return el("ul", { class: "swatches", "aria-label": "Also in" }, ...made, more > 0 && el("li", { class: "more", text: `+${more}` }));
}

/** @param {string} category a shop's own path, or a node of ours */
const kindSaid = (category) => nameSaid(category.split(/[/>|]/).at(-1)?.trim() ?? category);

/**
 * Follow a link in place, unless the shopper wants it elsewhere (a new tab, say).
 * @param {MouseEvent} event
 * @param {() => void} follow
 */
export function plainly(event, follow) {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  follow();
}

/** @param {number} share */
function meter(share) {
  const fill = el("i");
  fill.style.setProperty("--share", String(Math.max(0.02, Math.min(1, share))));
  return el("span", { class: "meter", "aria-hidden": "true" }, fill);
}

/**
 * The small bar; a tap tells why.
 * @param {Result} result
 * @param {HTMLElement} made the card
 */
function match(result, made) {
  const button = el("button", { class: "match", type: "button", "aria-expanded": "false" }, meter(result.score), el("span", { text: `${percent(result.score)} match` }));
  button.append(el("span", { class: "unseen", text: `: ${PARTS.filter(([part]) => result.scores[part] !== null).map(([part, name]) => `${name} ${percent(result.scores[part] ?? 0)}`).join(", ")}` }));
  button.addEventListener("click", () => button.setAttribute("aria-expanded", String(made.classList.toggle("open"))));
  return button;
}

/** @param {Result} result */
function reasons(result) {
  const parts = PARTS.filter(([part]) => result.scores[part] !== null);
  const rows = parts.map(([part, name]) => {
    const share = result.scores[part] ?? 0;
    const weight = result.explanation?.find((each) => each.part === part)?.weight;
    const counts = weight !== undefined && weight !== 1 && el("span", { class: "counts", text: ` × ${weight.toFixed(2)}` });
    return el("div", {}, el("dt", { text: name }), el("dd", {}, meter(share)), el("dd", {}, percent(share), counts));
  });
  return el("dl", { class: "why", "aria-hidden": "true" }, ...rows);
}

/** Cards that are still empty. */
export function waiting() {
  const card = () => el("li", { class: "card" }, el("div", { class: "tile" }), el("div", {}, el("div", { class: "line" }), el("div", { class: "line short" })));
  return [
    el("div", { class: "found" }, el("h1", { class: "verdict", id: "verdict", tabindex: -1, text: "Looking…" }), el("p", { class: "count", text: "Comparing with the shop’s pictures." })),
    el("ul", { class: "grid waiting", "aria-hidden": "true" }, ...Array.from({ length: 8 }, card)),
  ];
}

/** @param {boolean} narrowed whether the shopper picked a category, or a filter @param {() => void} onWiden */
export function nothing(narrowed, onWiden) {
  return [
    el(
      "div",
      { class: "notice" },
      el("h1", { class: "verdict", id: "verdict", tabindex: -1, text: "Nothing found" }),
      el("p", { text: "The shop has nothing that looks like this. What may help:" }),
      el(
        "ul",
        {},
        narrowed && el("li", { text: "look among everything, not only among what you picked" }),
        el("li", { text: "draw the frame closely around the piece" }),
        el("li", { text: "take the photo from the front, in good light" }),
      ),
      narrowed && el("div", { class: "actions" }, el("button", { class: "button primary", type: "button", text: "Look among everything", on: { click: onWiden } })),
    ),
  ];
}

/** @param {import("./api.js").Problem} problem @param {() => void} onRetry */
export function failed(problem, onRetry) {
  return [
    el(
      "div",
      { class: "notice", role: "alert" },
      el("h1", { class: "verdict", id: "verdict", tabindex: -1, text: problem.status >= 429 ? "That did not work just now" : problem.title }),
      el("p", { text: problem.message }),
      el(
        "div",
        { class: "actions" },
        el("button", { class: "button primary", type: "button", text: "Try again", on: { click: onRetry } }),
        el("button", { class: "button quiet", type: "button", "data-opens": "choose", text: "Choose another photo" }),
      ),
      problem.requestId && el("p", { class: "reference", text: `Reference: ${problem.requestId}` }),
    ),
  ];
}
