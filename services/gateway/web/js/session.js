// @ts-check
/** What a shopper is looking at: a photo with what was marked on it, or one of the shop's products. */

import { anything, asked } from "./refine.js";

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
 * @property {import("./refine.js").Wanted} wanted what the products must be, and what else is wished for
 * @property {Answer | null} widest the last answer that no filter narrowed: what there is to choose from
 * @property {Answer | null} answer
 * @property {"products" | "look" | "copies"} tab which of them is looked at
 * @property {import("./api.js").Look | null} look null until it is asked for
 * @property {string} order of the copies
 * @property {import("./api.js").CopiesAnswer | null} copies in that order; null until they are asked for
 *
 * @typedef {object} LikeSession
 * @property {"like"} kind
 * @property {string} id
 * @property {import("./api.js").Product | null} product
 * @property {import("./refine.js").Wanted} wanted
 * @property {Answer | null} widest
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
  photos.set(number, { kind: "photo", photo, regions: [], guesses: [], chosen: null, box: null, category: null, wanted: anything(), widest: null, answer: null, tab: "products", look: null, order: "best", copies: null });
  return number;
}

/** @param {string} id @returns {LikeSession} */
export function likeSession(id) {
  const kept = likes.get(id) ?? { kind: "like", id, product: null, wanted: anything(), widest: null, answer: null };
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
 * Take in an answer.
 * @param {Session} session
 * @param {Answer} answer
 */
export function take(session, answer) {
  session.answer = answer;
  if (!asked(session.wanted).filter) session.widest = answer;
  if (session.kind === "photo") learn(session, answer);
}

/**
 * Take in a photo's answer. An answer for a marked box knows only that box; the photo's own regions stay.
 * @param {PhotoSession} session
 * @param {Answer} answer
 */
function learn(session, answer) {
  if (session.box === null) {
    session.regions = answer.regions;
    session.chosen = answer.region;
    session.box = answer.regions[answer.region]?.box ?? [0, 0, 1, 1];
  }
  if (session.category === null) session.guesses = answer.categories;
}
