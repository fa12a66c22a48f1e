// @ts-check
/**
 * The box on the photo: dragged, resized by its corners, or moved with the arrow keys.
 *
 * Boxes are relative to the photo, as everywhere. A change is reported when the shopper lets go, or rests on the keys.
 */

import { el } from "./dom.js";

/** @typedef {import("./api.js").Box} Box */

const LEAST = 0.06;
const STEP = 0.02;
const REST_MS = 450;
const CORNERS = /** @type {const} */ (["nw", "ne", "sw", "se"]);

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** @param {Box} box @param {number} dx @param {number} dy @returns {Box} */
export function moved([x0, y0, x1, y1], dx, dy) {
  const right = clamp(dx, -x0, 1 - x1);
  const down = clamp(dy, -y0, 1 - y1);
  return [x0 + right, y0 + down, x1 + right, y1 + down];
}

/** @param {Box} box @param {string} corner @param {number} dx @param {number} dy @returns {Box} */
export function resized([x0, y0, x1, y1], corner, dx, dy) {
  return [
    corner.includes("w") ? clamp(x0 + dx, 0, x1 - LEAST) : x0,
    corner.includes("n") ? clamp(y0 + dy, 0, y1 - LEAST) : y0,
    corner.includes("e") ? clamp(x1 + dx, x0 + LEAST, 1) : x1,
    corner.includes("s") ? clamp(y1 + dy, y0 + LEAST, 1) : y1,
  ];
}

/** @param {Box} box */
const described = ([x0, y0, x1, y1]) => {
  const say = (/** @type {number} */ value) => `${Math.round(value * 100)} percent`;
  return `Part that is searched: ${say(x0)} from the left, ${say(y0)} from the top, ${say(x1 - x0)} wide, ${say(y1 - y0)} high`;
};

export class Frame {
  /**
   * @param {HTMLElement} stage the photo's element, which the box is placed in
   * @param {HTMLElement} shade darkens what lies outside the box
   * @param {(box: Box) => void} onChange
   */
  constructor(stage, shade, onChange) {
    this.stage = stage;
    this.shade = shade;
    this.onChange = onChange;
    /** @type {Box} */
    this.box = [0, 0, 1, 1];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.resting = undefined;
    this.element = el(
      "div",
      { class: "frame", role: "application", tabindex: 0, "aria-roledescription": "movable box", "aria-describedby": "frame-help" },
      ...CORNERS.map((corner) => el("span", { class: `handle ${corner}`, "data-corner": corner })),
    );
    this.element.addEventListener("pointerdown", (event) => this.#grab(event, /** @type {HTMLElement} */ (event.target).dataset.corner ?? ""));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    stage.addEventListener("pointerdown", (event) => this.#draw(event));
    stage.append(this.element);
  }

  /** @param {boolean} hidden */
  hide(hidden) {
    this.element.hidden = this.shade.hidden = hidden;
  }

  /** @param {Box} box */
  place(box) {
    this.box = box;
    const [x0, y0, x1, y1] = box;
    const sides = { left: x0, top: y0, width: x1 - x0, height: y1 - y0 };
    for (const [side, value] of Object.entries(sides)) {
      for (const each of [this.element, this.shade]) each.style.setProperty(side, `${value * 100}%`);
    }
    this.element.setAttribute("aria-label", described(box));
  }

  /**
   * Follow the pointer until it lets go.
   * @param {PointerEvent} event
   * @param {string} corner the one that is held, or "" for the whole box
   */
  #grab(event, corner) {
    if (event.button !== 0) return;
    event.stopPropagation();
    const from = { x: event.clientX, y: event.clientY, box: this.box };
    const size = this.stage.getBoundingClientRect();
    const held = this.element;
    held.setPointerCapture(event.pointerId);
    const follow = (/** @type {PointerEvent} */ now) => {
      const dx = (now.clientX - from.x) / size.width;
      const dy = (now.clientY - from.y) / size.height;
      this.place(corner ? resized(from.box, corner, dx, dy) : moved(from.box, dx, dy));
    };
    const leave = () => {
      held.removeEventListener("pointermove", follow);
      held.removeEventListener("pointerup", leave);
      held.removeEventListener("pointercancel", leave);
      if (this.box.some((side, index) => Math.abs(side - from.box[index]) > 0.002)) this.onChange(this.box);
      else this.place(from.box);
    };
    held.addEventListener("pointermove", follow);
    held.addEventListener("pointerup", leave);
    held.addEventListener("pointercancel", leave);
  }

  /**
   * A new box, drawn on a free part of the photo; with a finger that gesture scrolls the page instead.
   * @param {PointerEvent} event
   */
  #draw(event) {
    if (event.button !== 0 || event.pointerType === "touch" || /** @type {HTMLElement} */ (event.target).closest("button")) return;
    event.preventDefault();
    const size = this.stage.getBoundingClientRect();
    const start = { x: (event.clientX - size.left) / size.width, y: (event.clientY - size.top) / size.height };
    const before = this.box;
    /** @type {Box | null} */
    let drawn = null;
    const follow = (/** @type {PointerEvent} */ now) => {
      const x = clamp((now.clientX - size.left) / size.width, 0, 1);
      const y = clamp((now.clientY - size.top) / size.height, 0, 1);
      /** @type {Box} */
      const box = [Math.min(start.x, x), Math.min(start.y, y), Math.max(start.x, x), Math.max(start.y, y)];
      drawn = box[2] - box[0] >= LEAST && box[3] - box[1] >= LEAST ? box : null;
      this.place(drawn ?? before);
    };
    const leave = () => {
      window.removeEventListener("pointermove", follow);
      if (drawn) this.onChange(drawn);
    };
    window.addEventListener("pointermove", follow);
    window.addEventListener("pointerup", leave, { once: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (!step) return;
    event.preventDefault();
    this.place(event.shiftKey ? resized(this.box, "se", step[0], step[1]) : moved(this.box, step[0], step[1]));
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.onChange(this.box), REST_MS);
  }
}
