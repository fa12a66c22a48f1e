// @ts-check
/** A photo laid over the catalogue's picture, with a slider between the two: left of it the photo, right of it the shop's. */

import { el } from "./dom.js";

/**
 * A query's point `(x, y)` is the picture's `(a·x + b·y + c, d·x + e·y + f)`, both relative; CSS wants it for an element as large as
 * the picture, and shears in its own pixels.
 * @param {import("./api.js").Affine} affine
 * @param {number} ratio the picture's width over its height
 */
export function transform([[a, b, c], [d, e, f]], ratio) {
  const short = (/** @type {number} */ value) => Number(value.toFixed(5));
  return `translate(${short(c * 100)}%, ${short(f * 100)}%) matrix(${[a, d / ratio, b * ratio, e, 0, 0].map(short).join(", ")})`;
}

/**
 * @param {string} photo the address of the shopper's photo
 * @param {import("./api.js").CopyMatch} match
 */
export function overlay(photo, match) {
  const ratio = match.width / match.height;
  const laid = /** @type {HTMLImageElement} */ (el("img", { src: photo, alt: "", draggable: "false" }));
  laid.style.setProperty("transform", transform(match.change.affine, ratio));
  const slider = /** @type {HTMLInputElement} */ (
    el("input", { type: "range", min: 0, max: 100, value: 50, step: 1, "aria-label": `Your photo over the shop’s picture of ${match.product_id}` })
  );
  const made = el(
    "div",
    { class: "overlay" },
    el("img", { class: "under", src: `${match.image_url}?width=640`, alt: `The shop’s picture of ${match.product_id}`, draggable: "false" }),
    el("div", { class: "over", "aria-hidden": "true" }, laid),
    el("div", { class: "divider", "aria-hidden": "true" }),
    slider,
    el("span", { class: "side left", "aria-hidden": "true", text: "Your photo" }),
    el("span", { class: "side right", "aria-hidden": "true", text: "The shop’s" }),
  );
  const split = () => {
    made.style.setProperty("--split", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} percent your photo`);
  };
  made.style.setProperty("--ratio", String(ratio));
  slider.addEventListener("input", split);
  split();
  return made;
}
