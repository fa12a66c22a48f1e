// @ts-check
/** Three ways to look at a photo: one piece's products, those of every piece, and the shop's own pictures that it is a copy of. */

import { byId, el } from "./dom.js";

const TABS = /** @type {const} */ ([
  ["products", "Products"],
  ["look", "The whole look"],
  ["copies", "Copies of this photo"],
]);
const STEPS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 });

/**
 * Show the tabs, or none where `chosen` is null.
 * @param {string | null} chosen
 * @param {(tab: "products" | "look" | "copies") => void} onTab
 */
export function showTabs(chosen, onTab) {
  const list = byId("tabs");
  const held = list.contains(document.activeElement);
  list.hidden = chosen === null;
  list.replaceChildren(
    ...TABS.map(([name, text]) => {
      const tab = el("button", { class: "tab", type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "results", text, on: { click: () => onTab(name) } });
      tab.setAttribute("aria-selected", String(name === chosen));
      tab.tabIndex = name === chosen ? 0 : -1;
      return tab;
    }),
  );
  if (held && chosen) byId(`tab-${chosen}`).focus();
  list.onkeydown = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const place = TABS.findIndex(([name]) => name === chosen);
    onTab(TABS[(place + step + TABS.length) % TABS.length][0]);
  };
}
