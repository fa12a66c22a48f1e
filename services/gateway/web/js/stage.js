// @ts-check
/** The photo, large, with its regions as hot-spots to tap and the frame around what is searched. */

import { el } from "./dom.js";
import { Frame } from "./frame.js";
import { nameSaid } from "./words.js";

/**
 * @typedef {import("./api.js").Box} Box
 * @typedef {import("./api.js").Region} Region
 */

/** Least distance between names and dots, in pixels. */
const APART = 4;

export class Stage {
  /**
   * @param {string} source the photo's address
   * @param {number} ratio its width over its height
   * @param {{onRegion: (index: number) => void, onBox: (box: Box) => void}} heard
   */
  constructor(source, ratio, { onRegion, onBox }) {
    this.onRegion = onRegion;
    const shade = el("div", { class: "shade" });
    this.photo = el("div", { class: "stage" }, el("div", { class: "clip" }, el("img", { src: source, alt: "Your photo", draggable: "false" }), shade));
    this.photo.style.setProperty("--ratio", String(ratio));
    this.frame = new Frame(this.photo, shade, onBox);
    this.frame.hide(true);
    this.help = el("p", { class: "help", id: "frame-help" });
    this.element = el("div", {}, el("div", { class: "stage-holder" }, this.photo), this.help);
  }

  /**
   * @param {readonly Region[]} regions
   * @param {number | null} chosen the index of the region that is searched, or null for a box of the shopper's own
   * @param {Box} box what is searched
   */
  show(regions, chosen, box) {
    this.photo.querySelectorAll(".spot").forEach((spot) => spot.remove());
    if (regions.length > 1 || chosen === null) this.photo.append(...regions.map((region, index) => this.#spot(region, index, index === chosen)));
    this.frame.hide(false);
    this.frame.place(box);
    this.#makeRoom();
    const tap = regions.length > 1 ? "Tap a dot to search for that piece, or drag the frame" : "Drag the frame";
    this.help.replaceChildren(
      `${tap} to mark it yourself.`,
      el("span", { class: "unseen", text: " With the keyboard: arrow keys move the frame, Shift and an arrow key resize it." }),
    );
  }

  /** Names that would lie on a neighbour go to the other side, or wait until they are pointed at. */
  #makeRoom() {
    const spots = [...this.photo.querySelectorAll('.spot[aria-pressed="false"]')];
    const taken = spots.map((spot) => /** @type {Element} */ (spot.querySelector(".dot")).getBoundingClientRect());
    const stage = this.photo.getBoundingClientRect();
    for (const spot of spots) {
      const name = /** @type {Element} */ (spot.querySelector(".name"));
      const own = /** @type {Element} */ (spot.querySelector(".dot")).getBoundingClientRect();
      const fits = () => {
        const at = name.getBoundingClientRect();
        const inside = at.left >= stage.left && at.right <= stage.right;
        return inside && taken.every((other) => (other.left === own.left && other.top === own.top) || !overlap(at, other));
      };
      if (!fits()) {
        spot.classList.toggle("leftward");
        if (!fits()) spot.classList.add("mute");
      }
      if (!spot.classList.contains("mute")) taken.push(name.getBoundingClientRect());
    }
  }

  /** @param {Region} region @param {number} index @param {boolean} chosen */
  #spot(region, index, chosen) {
    const [x0, y0, x1, y1] = region.box;
    const name = nameSaid(region.category);
    const centre = (x0 + x1) / 2;
    const spot = el(
      "button",
      { class: centre > 0.62 ? "spot leftward" : "spot", type: "button", "aria-pressed": chosen, "aria-label": `Search for the ${name.toLowerCase()}`, on: { click: () => this.onRegion(index) } },
      el("span", { class: "dot" }),
      el("span", { class: "name", "aria-hidden": "true", text: name }),
    );
    spot.setAttribute("aria-pressed", String(chosen));
    spot.style.setProperty("left", `${centre * 100}%`);
    spot.style.setProperty("top", `${((y0 + y1) / 2) * 100}%`);
    return spot;
  }
}

/** @param {DOMRect} one @param {DOMRect} other */
const overlap = (one, other) => one.left < other.right + APART && other.left < one.right + APART && one.top < other.bottom + APART && other.top < one.bottom + APART;
