// @ts-check
/** The ways in for a photo: chosen, taken, dropped anywhere, pasted. */

import { byId } from "./dom.js";

/** @param {(file: File) => void} onPhoto */
export function listenForPhotos(onPhoto) {
  for (const input of [byId("choose"), byId("capture")]) {
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = ""; // the same photo may be chosen twice
      if (file) onPhoto(file);
    });
  }
  document.addEventListener("click", (event) => {
    const opener = /** @type {HTMLElement} */ (event.target).closest?.("[data-opens]");
    if (opener) byId(opener.getAttribute("data-opens") ?? "").click();
  });
  document.addEventListener("paste", (event) => {
    const file = firstFile(event.clipboardData);
    if (file) onPhoto(file);
  });
  listenForDrops(onPhoto);
}

/** @param {(file: File) => void} onPhoto */
function listenForDrops(onPhoto) {
  const veil = byId("drop-anywhere");
  let depth = 0;
  const show = () => {
    veil.hidden = depth === 0;
  };
  document.addEventListener("dragenter", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    depth += 1;
    show();
  });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    show();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    show();
    const file = firstFile(event.dataTransfer);
    if (file) onPhoto(file);
  });
}

/** @param {DataTransfer | null} transfer */
const firstFile = (transfer) => [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? transfer?.files[0];
