// @ts-check
/** A product's picture on its tile. Cut-outs on white stand on the tile's own colour; photos with a background fill it. */

import { el } from "./dom.js";

const SAMPLE = 24;
const WHITE = 246;
/** How far a picture's proportions may be from its tile's before filling it would cut off too much. */
const CROPPED_AT_MOST = 1.75;

/**
 * @param {string} address
 * @param {160 | 320 | 640} width one of the server's thumbnail widths
 * @param {string} alt
 * @param {...Node} over what lies over the picture
 */
export function tile(address, width, alt, ...over) {
  const made = el("div", { class: "tile" });
  const picture = /** @type {HTMLImageElement} */ (el("img", { alt, loading: "lazy", decoding: "async" }));
  picture.addEventListener("load", () => settle(made, picture));
  picture.addEventListener("error", () => made.classList.add("shown"));
  picture.src = `${address}?width=${width}`;
  made.append(picture, ...over);
  return made;
}

/**
 * @param {HTMLElement} made
 * @param {HTMLImageElement} picture
 */
function settle(made, picture) {
  const edge = edgeOf(picture);
  const proportions = picture.naturalWidth / picture.naturalHeight / (made.clientWidth / made.clientHeight);
  const fits = Math.max(proportions, 1 / proportions) <= CROPPED_AT_MOST;
  made.classList.add("shown", edge.white > 0.8 ? "cut-out" : fits ? "scene" : "matted");
  // A matted picture lies on the colour of its own edge.
  if (made.classList.contains("matted")) made.style.setProperty("background-color", `rgb(${edge.colour.join(" ")})`);
}

/**
 * A picture's edge: which share of it is white, and its mean colour.
 * @param {HTMLImageElement} picture
 */
function edgeOf(picture) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SAMPLE;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(picture, 0, 0, SAMPLE, SAMPLE);
  const { data } = context.getImageData(0, 0, SAMPLE, SAMPLE);
  const sum = [0, 0, 0];
  let count = 0;
  let white = 0;
  for (let y = 0; y < SAMPLE; y += 1) {
    for (let x = 0; x < SAMPLE; x += 1) {
      if (x > 0 && y > 0 && x < SAMPLE - 1 && y < SAMPLE - 1) continue;
      const pixel = data.slice((y * SAMPLE + x) * 4, (y * SAMPLE + x) * 4 + 3);
      pixel.forEach((value, channel) => (sum[channel] += value));
      count += 1;
      if (Math.min(...pixel) >= WHITE) white += 1;
    }
  }
  return { white: white / count, colour: sum.map((value) => Math.round(value / count)) };
}
