// @ts-check
/** What is said to a shopper: verdicts, prices, names of things. */

const CLOSEST = "These come closest";

/** Similar is said as strongly as the best result deserves. */
const VERY_SIMILAR = 0.8;

/** @type {Record<string, string>} */
const SAID = {
  exact_copy: "Exactly this product",
  edited_copy: "This product, from an edited picture",
  same_product: "Looks like this very product",
  similar: "Similar pieces",
  no_match: CLOSEST,
};

/** @type {Record<string, string>} */
const SAID_OF_A_PRODUCT = { ...SAID, exact_copy: "The same picture once more", same_product: "Almost the same" };

/**
 * The verdict of an answer in plain words.
 * @param {import("./api.js").Answer} answer
 * @param {boolean} like whether it is about one of the shop's own products
 */
export function verdictSaid(answer, like) {
  const [best] = answer.results;
  if (!best) return "Nothing found";
  if (answer.verdict === "similar" && best.score >= VERY_SIMILAR) return "Very similar pieces";
  return (like ? SAID_OF_A_PRODUCT : SAID)[answer.verdict] ?? CLOSEST;
}

/** @type {Record<string, string>} */
const LACKING = {
  regions: "We could not look at single pieces of the picture just now, so the whole of it was compared.",
  ranking: "The order is rougher than usual just now.",
  freshness: "These are from your last search with this picture; the catalogue cannot be reached just now.",
};

/**
 * What an answer goes without, as far as a shopper would notice; empty where that is nothing.
 * @param {import("./api.js").Lack[]} [degraded]
 */
export const lackSaid = (degraded = []) => degraded.map((lack) => LACKING[lack] ?? "").filter(Boolean).join(" ");

/** @param {string} name a node of the taxonomy, such as `t-shirt` */
export const nameSaid = (name) => (name === "t-shirt" ? "T-shirt" : name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " "));

/** @param {import("./api.js").Price} price */
export function priceSaid(price) {
  if (!price) return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: price.currency, currencyDisplay: "narrowSymbol" }).format(price.amount);
  } catch {
    return `${price.amount.toFixed(2)} ${price.currency}`;
  }
}

/** @param {number} share 0..1 */
export const percent = (share) => `${Math.round(Math.max(0, Math.min(1, share)) * 100)}%`;

/** @param {number} count */
export const resultsSaid = (count) => (count === 1 ? "1 product" : `${count} products`);
