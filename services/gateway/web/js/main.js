// @ts-check
/** The page: puts what the shopper looks at on the screen, and searches when that changes. */

import * as api from "./api.js";
import { chips } from "./chips.js";
import { copiesFound, copiesSaid } from "./copies.js";
import { byId, el } from "./dom.js";
import { listenForPhotos } from "./intake.js";
import { lookFound, lookSaid } from "./look.js";
import { prepared } from "./picture.js";
import { anything, asked, filterBar, wishField } from "./refine.js";
import { failed, found, nothing, waiting } from "./results.js";
import { current, likeSession, startPhoto, take } from "./session.js";
import { Stage } from "./stage.js";
import { showCredits, showSuggestions } from "./start.js";
import { showTabs } from "./tabs.js";
import { tile } from "./tile.js";
import { priceSaid, resultsSaid, verdictSaid } from "./words.js";

/** @typedef {import("./session.js").Session} Session */

const results = byId("results");
const query = byId("query");
const summary = byId("summary");

let searching = new AbortController();
/** @type {{name: string, leaves: string[]}[]} */
let groups = [];
/** @type {Stage | null} */
let stage = null;

/** @param {string} text */
function announce(text) {
  byId("announcer").textContent = text;
}

/** @param {boolean} busy */
function setBusy(busy) {
  byId("progress").hidden = !busy;
  results.setAttribute("aria-busy", String(busy));
}

/** Show what the address stands for: the start, a photo, a product. */
function show() {
  searching.abort();
  setBusy(false);
  const session = current();
  document.body.dataset.view = session ? session.kind : "start";
  byId("start").hidden = session !== null;
  byId("search").hidden = session === null;
  summary.hidden = true;
  if (!session) {
    stage = null;
    document.title = "Find it by photo";
    return;
  }
  drawQuery(session);
  drawTabs(session);
  if (answered(session)) drawAnswer(session);
  else search(session, "new");
}

/** Whether what is looked at is already there. @param {Session} session */
const answered = (session) => (onCopies(session) ? session.copies : onWholeLook(session) ? session.look : session.answer) !== null;

/** @param {Session} session @returns {session is import("./session.js").PhotoSession} */
const onCopies = (session) => session.kind === "photo" && session.tab === "copies";

/** @param {Session} session @returns {session is import("./session.js").PhotoSession} */
const onWholeLook = (session) => session.kind === "photo" && session.tab === "look";

/** @param {Session} session */
function drawTabs(session) {
  showTabs(session.kind === "photo" ? session.tab : null, (tab) => {
    Object.assign(session, { tab });
    show();
  });
}

/**
 * Ask the server, and show the answer unless the shopper has gone on to something else.
 * @param {Session} session
 * @param {"new" | "refined"} kind of a new search everything is unknown; a refined one keeps what is there, dimmed
 */
async function search(session, kind) {
  searching.abort();
  searching = new AbortController();
  const { signal } = searching;
  setBusy(true);
  announce("Searching");
  if (kind === "new") results.replaceChildren(...waiting());
  try {
    await ask(session, signal);
    if (signal.aborted) return;
    setBusy(false);
    drawAnswer(session);
    // Who walks along the tabs with the arrow keys walks on.
    if (kind === "new" && !byId("tabs").contains(document.activeElement)) byId("verdict").focus({ preventScroll: true });
  } catch (error) {
    if (signal.aborted) return;
    setBusy(false);
    const problem = error instanceof api.Problem ? error : new api.Problem("That did not work", "Something went wrong on this page. Try again.");
    results.replaceChildren(...failed(problem, () => search(session, "new")));
    summary.hidden = true;
    announce(`${problem.title}. ${problem.message}`);
    if (!(error instanceof api.Problem)) throw error;
  }
}

/** @param {Session} session @param {AbortSignal} signal */
async function ask(session, signal) {
  if (onCopies(session)) {
    session.copies = await api.searchCopies(session.photo.blob, session.order, signal);
    return;
  }
  if (onWholeLook(session)) {
    session.look = await api.searchLook(session.photo.blob, asked(session.wanted), signal);
    return;
  }
  if (session.kind === "photo") {
    const { box, category, wanted } = session;
    take(session, await api.searchPhoto(session.photo.blob, { box, category, asked: asked(wanted) }, signal));
    return;
  }
  const [product, answer] = await Promise.all([api.product(session.id, signal), api.searchLike(session.id, asked(session.wanted), signal)]);
  session.product = product;
  take(session, answer);
}

/** @param {Session} session */
function drawQuery(session) {
  stage = null;
  const wish = wishField(session.wanted, (change) => want(session, change));
  if (session.kind === "like") {
    query.replaceChildren(...(session.product ? [...productShown(session.product), wish] : []));
    return;
  }
  const source = session.photo.preview;
  if (source) {
    stage = new Stage(source, session.photo.ratio, {
      onRegion: (index) => refine(session, { chosen: index, box: session.regions[index].box }),
      onBox: (box) => refine(session, { chosen: null, box }),
    });
  }
  query.replaceChildren(stage ? stage.element : el("p", { class: "help", text: "This browser cannot show the photo, but it can be searched." }), wish);
}

/** @param {api.Product} product */
function productShown(product) {
  const title = product.title || product.product_id;
  return [
    el("div", { class: "like-picture" }, tile(product.images[0]?.image_url ?? "", 640, title)),
    el(
      "div",
      { class: "caption" },
      el("h2", { text: title }),
      el("p", { text: priceSaid(product.price) }),
      product.url && el("a", { class: "button quiet compact", href: product.url, text: "See it in the shop" }),
    ),
  ];
}

/** @param {Session} session */
function drawAnswer(session) {
  if (session.kind === "photo" && session.answer) drawMarks(session);
  if (onCopies(session)) drawCopies(session);
  else if (onWholeLook(session)) drawLook(session);
  else drawProducts(session);
}

/** What was found on the photo: its pieces, the frame, what it may be. @param {import("./session.js").PhotoSession} session */
function drawMarks(session) {
  stage?.show(session.regions, session.chosen, session.box ?? [0, 0, 1, 1]);
  query.querySelector(".chips")?.remove();
  query.querySelector(".wish")?.before(chips(session.guesses, groups, session.category, (category) => refine(session, { category })));
}

/** @param {import("./session.js").PhotoSession} session */
function drawLook(session) {
  const look = /** @type {api.Look} */ (session.look);
  results.replaceChildren(...lookFound(look, { onLike: goLike, onLook: api.clicked }));
  announce(`${lookSaid(look)}.`);
  summary.hidden = true;
  summary.replaceChildren();
  document.title = `${lookSaid(look)} · shoplens`;
}

/** @param {import("./session.js").PhotoSession} session */
function drawCopies(session) {
  const answer = /** @type {api.CopiesAnswer} */ (session.copies);
  const onOrder = (/** @type {string} */ order) => {
    session.order = order;
    search(session, "refined").then(() => results.querySelector(".order")?.focus());
  };
  results.replaceChildren(...copiesFound(answer, session.photo.preview ?? "", { order: session.order, onOrder, onLike: goLike }));
  const said = copiesSaid(answer);
  announce(`${said}.`);
  summary.hidden = true;
  summary.replaceChildren();
  document.title = `${said} · shoplens`;
}

/** @param {Session} session */
function drawProducts(session) {
  const answer = /** @type {api.Answer} */ (session.answer);
  const like = session.kind === "like";
  if (like && !query.childElementCount) drawQuery(session);
  const verdict = verdictSaid(answer, like);
  const filters = filterBar(session.widest, session.wanted, (change) => want(session, change));
  const onLook = (/** @type {string} */ id) => api.clicked(answer.request_id, id);
  const narrowed = asked(session.wanted).filter !== "" || (session.kind === "photo" && session.category !== null);
  if (answer.results.length) results.replaceChildren(...found(answer, { like, onLike: goLike, onLook, filters }));
  else results.replaceChildren(...nothing(narrowed, () => widen(session)));
  announce(answer.results.length ? `${verdict}. ${resultsSaid(answer.results.length)}.` : `${verdict}.`);
  drawSummary(session, answer);
  document.title = `${verdict} · shoplens`;
}

/** @param {import("./session.js").PhotoSession} session @param {Partial<import("./session.js").PhotoSession>} change */
function refine(session, change) {
  // A piece of the photo, or a kind of thing, is for products.
  Object.assign(session, change, { tab: "products" });
  drawTabs(session);
  // Another piece of the photo is another kind of thing.
  if (change.box) session.category = null;
  if (session.box) stage?.show(session.regions, session.chosen, session.box);
  const kept = query.querySelector(`[data-category]:focus`)?.getAttribute("data-category");
  search(session, "refined").then(() => {
    if (kept && document.activeElement === document.body) query.querySelector(`[data-category="${CSS.escape(kept)}"]`)?.focus();
  });
}

/** Other words, or other filters. @param {Session} session @param {Partial<import("./refine.js").Wanted>} change */
function want(session, change) {
  Object.assign(session.wanted, change);
  if (session.kind === "photo") {
    session.look = null;
    if (onCopies(session)) session.tab = "products";
    drawTabs(session);
  }
  const kept = results.querySelector("[data-filter]:focus")?.getAttribute("data-filter");
  search(session, "refined").then(() => {
    if (kept) results.querySelector(`[data-filter="${kept}"]`)?.focus();
  });
}

/** Everything again, not only what was picked. @param {Session} session */
function widen(session) {
  session.wanted = { ...anything(), text: session.wanted.text };
  if (session.kind === "photo") {
    session.category = null;
    session.look = null;
  }
  drawQuery(session);
  search(session, "new");
}

/** On a phone the photo scrolls away; what was found stays in sight, and leads back to it. @param {Session} session @param {api.Answer} answer */
function drawSummary(session, answer) {
  const picture = session.kind === "photo" ? session.photo.preview : `${session.product?.images[0]?.image_url}?width=160`;
  summary.replaceChildren(
    el(
      "button",
      { type: "button", on: { click: () => window.scrollTo({ top: 0, behavior: "smooth" }) } },
      picture && el("img", { src: picture, alt: "" }),
      el("span", {}, el("strong", { text: verdictSaid(answer, session.kind === "like") }), el("span", { text: `${resultsSaid(answer.results.length)} · back to the picture` })),
    ),
  );
}

/** @param {string} id */
function goLike(id) {
  likeSession(id);
  history.pushState({}, "", `?like=${encodeURIComponent(id)}`);
  window.scrollTo({ top: 0 });
  show();
}

/** @param {Blob} file */
async function goPhoto(file) {
  announce("Reading the photo");
  byId("progress").hidden = false;
  const photo = await prepared(file);
  history.pushState({ photo: startPhoto(photo) }, "", location.pathname);
  window.scrollTo({ top: 0 });
  show();
}

function goHome() {
  history.pushState({}, "", location.pathname);
  show();
}

/** What may be missing on the start without harm: the page searches without it. @param {Promise<unknown>} extra */
const optional = (extra) => extra.catch((error) => console.warn("left out:", error.message));

new IntersectionObserver(([entry]) => {
  summary.hidden = entry.isIntersecting || document.body.dataset.view === "start" || !summary.childElementCount || byId("search").hidden;
}).observe(query);
window.addEventListener("popstate", show);
byId("home").addEventListener("click", (/** @type {MouseEvent} */ event) => {
  event.preventDefault();
  goHome();
});
listenForPhotos(goPhoto);
optional(api.categories().then((tree) => ({ groups } = tree)));
optional(showSuggestions(goLike));
optional(showCredits());
show();
