// @ts-check
/** What is said to a shopper: verdicts, prices, names of things. */

const VERDICTS = {
  exact_copy: "Exactly this product",
  edited_copy: "This product, from an edited picture",
  same_product: "Looks like this very product",
  similar: "Very similar pieces",
  no_match: "Not in the shop, but these come closest",
};

const VERDICTS_LIKE = { ...VERDICTS, exact_copy: "The same picture, sold again", same_product: "Almost the same", no_match: "The nearest we have" };

/**
 * @param {string} verdict
 * @param {boolean} like whether it is about one of the shop's own products
 */
export const verdictSaid = (verdict, like) => (like ? VERDICTS_LIKE : VERDICTS)[/** @type {keyof typeof VERDICTS} */ (verdict)] ?? VERDICTS.similar;

/** @param {string} name a node of the taxonomy, such as `t-shirt` */
export const nameSaid = (name) => (name === "t-shirt" ? "T-shirt" : name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " "));

/** @param {import("./api.js").Price} price */
export function priceSaid(price) {
  if (!price) return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: price.currency }).format(price.amount);
  } catch {
    return `${price.amount.toFixed(2)} ${price.currency}`;
  }
}

/** @param {number} share 0..1 */
export const percent = (share) => `${Math.round(Math.max(0, Math.min(1, share)) * 100)} %`;

/** @param {number} count */
export const resultsSaid = (count) => (count === 1 ? "1 product" : `${count} products`);

/** @param {number | null} score */
export function likenessSaid(score) {
  if (score === null) return "";
  if (score >= 0.9) return "alike";
  return score >= 0.7 ? "close" : score >= 0.5 ? "somewhat" : "different";
}
