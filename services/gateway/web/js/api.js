// @ts-check
/**
 * The server, over HTTP. Everything is relative to the page, so it works behind any address.
 *
 * @typedef {[number, number, number, number]} Box `[x0, y0, x1, y1]`, relative to the upright photo
 * @typedef {{box: Box, category: string, score: number}} Region
 * @typedef {{name: string, probability: number}} Guess
 * @typedef {"regions" | "copies" | "ranking" | "freshness"} Lack what an answer had to do without
 * @typedef {"visual" | "category" | "colour" | "text" | "attributes" | "business"} Part
 * @typedef {Record<Part, number | null>} Scores
 * @typedef {{product_id: string, title: string, colour: string, image_url: string}} Variant
 * @typedef {{part: Part | "expected", weight: number, value: number}} Share
 * @typedef {{text: string, filter: string}} Asked what is asked beside the picture; empty where nothing is
 * @typedef {{amount: number, currency: string} | null} Price
 * @typedef {{product_id: string, image_id: string, score: number, scores: Scores, title: string, price: Price,
 *   category: string | null, brand: string, in_stock: boolean, image_url: string, url: string, variants?: Variant[], explanation?: Share[]}} Result
 * @typedef {{request_id: string, index: {items: number}, regions: Region[], region: number, categories: Guess[],
 *   verdict: string, results: Result[], timings_ms: Record<string, number>, degraded?: Lack[]}} Answer
 * @typedef {{request_id: string, region: Region, categories: Guess[], verdict: string, results: Result[]}} LookRow
 * @typedef {{request_id: string, rows: LookRow[], degraded?: Lack[]}} Look
 * @typedef {[[number, number, number], [number, number, number]]} Affine
 * @typedef {{product_id: string, image_id: string, score: number, change: {flipped: boolean, overlap: number, query_overlap: number,
 *   affine: Affine, recolouring: string, amount: number}, width: number, height: number, page_url: string | null,
 *   creator: string | null, published_at: string | null, image_url: string}} CopyMatch
 * @typedef {{request_id: string, matches: CopyMatch[]}} CopiesAnswer
 * @typedef {{product_id: string, title: string, price: Price, url: string, images: {image_url: string}[]}} Product
 */

/** As many as a shopper looks through. */
const SHOWN = 24;
const SHOWN_A_ROW = 8;

/** An answer that says what went wrong, in words for whoever asked. */
export class Problem extends Error {
  /** @param {string} title @param {string} detail @param {string} [requestId] @param {number} [status] */
  constructor(title, detail, requestId = "", status = 0) {
    super(detail);
    this.title = title;
    this.requestId = requestId;
    this.status = status;
  }
}

/** @param {Response} answer */
async function refused(answer) {
  const body = await answer.json().catch(() => ({}));
  const fallback = "The shop answered in a way that we did not expect. Try again in a moment.";
  return new Problem(body.title ?? "That did not work", body.detail ?? fallback, body.request_id, answer.status);
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 */
async function answered(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("The shop cannot be reached", "Check your connection, then try again.");
  }
  if (!answer.ok) throw await refused(answer);
  return answer.json();
}

/**
 * Search for a photo, or for a part of it.
 * @param {Blob} photo
 * @param {{box: Box | null, category: string | null, asked: Asked}} wanted
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function searchPhoto(photo, { box, category, asked }, signal) {
  const form = searchForm(asked);
  form.set("image", photo, "photo.jpg");
  if (box) form.set("box", JSON.stringify(box.map((side) => Number(side.toFixed(4)))));
  if (category) form.set("category", category);
  return answered("/v1/search", { method: "POST", body: form, signal });
}

/** @param {Asked} asked */
function searchForm({ text, filter }) {
  const form = new FormData();
  form.set("top_k", String(SHOWN));
  form.set("explain", "true");
  if (text) form.set("text", text);
  if (filter) form.set("filter", filter);
  return form;
}

/**
 * Search for every piece of a photo.
 * @param {Blob} photo
 * @param {Asked} asked
 * @param {AbortSignal} signal
 * @returns {Promise<Look>}
 */
export function searchLook(photo, asked, signal) {
  const form = searchForm(asked);
  form.set("image", photo, "photo.jpg");
  form.set("top_k", String(SHOWN_A_ROW));
  return answered("/v1/looks", { method: "POST", body: form, signal });
}

/**
 * Which of the shop's pictures a photo is a copy of.
 * @param {Blob} photo
 * @param {string} sort
 * @param {AbortSignal} signal
 * @returns {Promise<CopiesAnswer>}
 */
export function searchCopies(photo, sort, signal) {
  const form = new FormData();
  form.set("image", photo, "photo.jpg");
  form.set("sort", sort);
  form.set("top_k", String(SHOWN));
  return answered("/v1/copies", { method: "POST", body: form, signal });
}

/** @param {string} id */
const address = (id) => `/v1/products/${encodeURIComponent(id)}`;

/**
 * Search for more like one of the shop's products.
 * @param {string} id
 * @param {Asked} asked
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function searchLike(id, asked, signal) {
  const form = searchForm(asked);
  form.set("product_id", id);
  return answered("/v1/search", { method: "POST", body: form, signal });
}

/**
 * Tell the shop that a result was looked at. Nothing waits for it, and nothing comes of it if it fails.
 * @param {string} requestId
 * @param {string} productId
 */
export function clicked(requestId, productId) {
  const body = JSON.stringify({ request_id: requestId, product_id: productId, action: "click" });
  fetch("/v1/feedback", { method: "POST", body, headers: { "Content-Type": "application/json" }, keepalive: true }).catch(() => {});
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Product>} */
export const product = (id, signal) => answered(address(id), { signal });

/** @param {number} size @returns {Promise<{products: Product[]}>} */
export const products = (size) => answered(`/v1/products?page_size=${size}`);

/** @returns {Promise<{groups: {name: string, leaves: string[]}[]}>} */
export const categories = () => answered("/v1/categories");

/** @returns {Promise<{text: string, url: string, licence: string}[]>} */
export const credits = () => answered("/v1/credits");
