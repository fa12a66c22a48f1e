// @ts-check
/** What else the shopper wants: in words, and of price, brand and stock. */

import { el } from "./dom.js";
import { priceSaid } from "./words.js";

/**
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {{text: string, most: number | null, brand: string, inStock: boolean}} Wanted
 */

/** Steps of a price that people think in. */
const ROUND = [1, 2, 2.5, 5, 10];
const PRICES = [0.25, 0.5, 0.75];

/** @returns {Wanted} */
export const anything = () => ({ text: "", most: null, brand: "", inStock: false });

/**
 * As the server is asked.
 * @param {Wanted} wanted
 * @returns {import("./api.js").Asked}
 */
export function asked({ text, most, brand, inStock }) {
  const parts = [most !== null && `price <= ${most}`, brand && `brand = ${JSON.stringify(brand)}`, inStock && "in_stock = true"];
  return { text, filter: parts.filter(Boolean).join(" AND ") };
}

/**
 * The field for words, beside the picture.
 * @param {Wanted} wanted
 * @param {(change: Partial<Wanted>) => void} onChange
 */
export function wishField(wanted, onChange) {
  const input = /** @type {HTMLInputElement} */ (
    el("input", { id: "wish", type: "search", name: "text", maxlength: 500, placeholder: "in red, with long sleeves …", autocomplete: "off", enterkeyhint: "search" })
  );
  input.value = wanted.text;
  const form = el("form", { class: "wish", role: "search" }, el("label", { for: "wish", text: "Something about it should be different?" }), el("div", {}, input, el("button", { class: "button quiet compact", type: "submit", text: "Search" })));
  const send = () => input.value.trim() !== wanted.text && onChange({ text: input.value.trim() });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  // The cross that empties the field.
  input.addEventListener("search", () => input.value === "" && send());
  return form;
}

/**
 * What there is to choose from in an answer; null where choosing makes no sense.
 * @param {Answer | null} widest the answer before any filter
 * @param {Wanted} wanted
 * @param {(change: Partial<Wanted>) => void} onChange
 */
export function filterBar(widest, wanted, onChange) {
  const results = widest?.results ?? [];
  const brands = [...new Set(results.map((result) => result.brand).filter(Boolean))].sort((one, other) => one.localeCompare(other));
  const controls = [
    results.some((result) => !result.in_stock) || wanted.inStock ? stockButton(wanted, onChange) : null,
    priceSelect(results, wanted, onChange),
    brands.length > 1 || wanted.brand ? select("Brand", "Any brand", brands.map((brand) => [brand, brand]), wanted.brand, (brand) => onChange({ brand })) : null,
  ].filter(Boolean);
  return controls.length ? el("div", { class: "filters", role: "group", "aria-label": "Narrow it down" }, ...controls) : null;
}

/**
 * @param {Wanted} wanted
 * @param {(change: Partial<Wanted>) => void} onChange
 */
function stockButton(wanted, onChange) {
  const button = el("button", { class: "chip", type: "button", "data-filter": "stock", text: "In stock", on: { click: () => onChange({ inStock: !wanted.inStock }) } });
  button.setAttribute("aria-pressed", String(wanted.inStock));
  return button;
}

/**
 * @param {readonly import("./api.js").Result[]} results
 * @param {Wanted} wanted
 * @param {(change: Partial<Wanted>) => void} onChange
 */
function priceSelect(results, wanted, onChange) {
  const prices = results.flatMap((result) => (result.price ? [result.price] : []));
  const currency = prices[0]?.currency;
  // Prices in two currencies cannot be compared by one number.
  if (!currency || prices.some((price) => price.currency !== currency)) return null;
  const amounts = prices.map((price) => price.amount).sort((one, other) => one - other);
  const steps = [...new Set(PRICES.map((share) => rounded(amounts[Math.floor(share * (amounts.length - 1))])))];
  if (wanted.most !== null && !steps.includes(wanted.most)) steps.push(wanted.most);
  const useful = steps.filter((step) => step < amounts[amounts.length - 1] || step === wanted.most).sort((one, other) => one - other);
  if (!useful.length) return null;
  const options = useful.map((step) => /** @type {[string, string]} */ ([String(step), `Up to ${priceSaid({ amount: step, currency })}`]));
  return select("Price", "Any price", options, wanted.most === null ? "" : String(wanted.most), (value) => onChange({ most: value ? Number(value) : null }));
}

/** The next round price. @param {number} amount */
function rounded(amount) {
  const power = 10 ** Math.floor(Math.log10(Math.max(amount, 0.01)));
  return power * (ROUND.find((step) => step * power >= amount) ?? 10);
}

/**
 * @param {string} label
 * @param {string} none what stands there while nothing is chosen
 * @param {readonly (readonly [string, string])[]} options values, and what they are called
 * @param {string} chosen
 * @param {(value: string) => void} onChoose
 */
function select(label, none, options, chosen, onChoose) {
  const made = /** @type {HTMLSelectElement} */ (
    el("select", { "aria-label": label, "data-filter": label.toLowerCase(), class: chosen ? "picked" : null }, ...[["", none], ...options].map(([value, text]) => el("option", { value, text })))
  );
  made.value = chosen;
  made.addEventListener("change", () => onChoose(made.value));
  return made;
}
