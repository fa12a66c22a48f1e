// @ts-check
/** What a shopper is looking at: a photo with what was marked on it, or one of the shop's products. */

/**
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {import("./api.js").Box} Box
 *
 * @typedef {object} PhotoSession
 * @property {"photo"} kind
 * @property {import("./picture.js").Photo} photo
 * @property {readonly import("./api.js").Region[]} regions what was found in the whole photo
 * @property {readonly import("./api.js").Guess[]} guesses what it may be, as of the last search of any category
 * @property {number | null} chosen the region that is searched; null for a box of the shopper's own
 * @property {Box | null} box the box that is searched; null until the first answer
 * @property {string | null} category the shopper's pick
 * @property {Answer | null} answer
 * @property {"products" | "copies"} tab which of the two is looked at
 * @property {string} order of the copies
 * @property {import("./api.js").CopiesAnswer | null} copies in that order; null until they are asked for
 *
 * @typedef {object} LikeSession
 * @property {"like"} kind
 * @property {string} id
 * @property {import("./api.js").Product | null} product
 * @property {Answer | null} answer
 *
 * @typedef {PhotoSession | LikeSession} Session
 */

/** @type {Map<number, PhotoSession>} photos of this visit, by the number that the history remembers */
const photos = new Map();
/** @type {Map<string, LikeSession>} */
const likes = new Map();

/** @param {import("./picture.js").Photo} photo */
export function startPhoto(photo) {
  const number = photos.size + 1;
  photos.set(number, { kind: "photo", photo, regions: [], guesses: [], chosen: null, box: null, category: null, answer: null, tab: "products", order: "best", copies: null });
  return number;
}

/** @param {string} id @returns {LikeSession} */
export function likeSession(id) {
  const kept = likes.get(id) ?? { kind: "like", id, product: null, answer: null };
  likes.set(id, kept);
  return kept;
}

/**
 * The session that the address and the history stand for; null for the start.
 * @returns {Session | null}
 */
export function current() {
  const id = new URLSearchParams(location.search).get("like");
  if (id !== null) return likeSession(id);
  return photos.get(history.state?.photo) ?? null;
}

/**
 * Take in a photo's answer. An answer for a marked box knows only that box; the photo's own regions stay.
 * @param {PhotoSession} session
 * @param {Answer} answer
 */
export function learn(session, answer) {
  session.answer = answer;
  if (session.box === null) {
    session.regions = answer.regions;
    session.chosen = answer.region;
    session.box = answer.regions[answer.region]?.box ?? [0, 0, 1, 1];
  }
  if (session.category === null) session.guesses = answer.categories;
}
