// @ts-check
/** The shopper's photo on its way out: made small enough for a mobile network, upright, its size known. */

const LONGEST_SIDE = 1280;
const SMALL_ENOUGH_BYTES = 1_500_000;

/**
 * @typedef {{blob: Blob, preview: string | null, ratio: number}} Photo `preview` is null where this browser cannot show it;
 *   `ratio` is width over height
 */

/**
 * A photo that is small already goes out untouched, so that the very picture that a shop has is known again.
 * @param {Blob} file
 * @returns {Promise<Photo>}
 */
export async function prepared(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    // Not one that this browser reads. The server may, or says what to send instead.
    return { blob: file, preview: null, ratio: 1 };
  }
  const ratio = bitmap.width / bitmap.height;
  const longest = Math.max(bitmap.width, bitmap.height);
  if (longest <= LONGEST_SIDE && file.size <= SMALL_ENOUGH_BYTES) {
    bitmap.close();
    return { blob: file, preview: URL.createObjectURL(file), ratio };
  }
  const blob = await drawn(bitmap, Math.min(1, LONGEST_SIDE / longest));
  bitmap.close();
  return { blob, preview: URL.createObjectURL(blob), ratio };
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number} scale
 * @returns {Promise<Blob>}
 */
async function drawn(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff"; // a JPEG has no transparency; the server lays it on white too
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the photo could not be drawn"))), "image/jpeg", 0.9);
  });
}
