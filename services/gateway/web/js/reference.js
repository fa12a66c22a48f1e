// @ts-check
/** The reference page: the server's own OpenAPI document, made readable. */

import { byId, el } from "./dom.js";

/** @typedef {Record<string, any>} Json */

/** @type {Json} */
let schemas = {};

/** @param {Json | undefined} schema @returns {Json} the schema that it stands for */
function resolved(schema) {
  if (!schema) return {};
  const name = schema.$ref?.split("/").at(-1);
  return name ? schemas[name] : schema;
}

/** @param {Json} given */
function typeSaid(given) {
  const schema = resolved(given);
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeSaid))].join(" or ");
  if (schema.enum) return schema.enum.join(", ");
  if (schema.type === "array") return schema.prefixItems ? "box" : `list of ${typeSaid(schema.items ?? {})}`;
  return schema.format === "binary" ? "file" : (schema.title && schema.type === "object" ? schema.title : schema.type) ?? "anything";
}

/** Text with `code` in it. @param {string} text */
const prose = (text) => text.split("`").map((part, place) => (place % 2 ? el("code", { text: part }) : part));

/** @param {string} name @param {Json} schema @param {boolean} required */
function field(name, schema, required) {
  const said = [typeSaid(schema), required && "required", schema.description ?? resolved(schema).description].filter(Boolean);
  const example = schema.examples?.[0];
  const shown = example === undefined ? "" : `${schema.description ? "" : " ·"} Such as ${typeof example === "string" ? example : JSON.stringify(example)}.`;
  return [el("dt", {}, el("code", { text: name })), el("dd", {}, ...prose(said.join(" · ") + shown))];
}

/** @param {string} title @param {HTMLElement[]} rows */
const section = (title, rows) => (rows.length ? [el("h3", { text: title }), el("dl", { class: "fields" }, ...rows)] : []);

/** @param {Json} schema */
const properties = (schema) => Object.entries(schema.properties ?? {}).flatMap(([name, each]) => field(name, each, (schema.required ?? []).includes(name)));

/** @param {string} path @param {string} method @param {Json} operation */
function described(path, method, operation) {
  const parameters = (operation.parameters ?? []).flatMap((/** @type {Json} */ each) => field(each.name, { ...each.schema, ...each }, each.required));
  const body = resolved(Object.values(operation.requestBody?.content ?? {}).map((/** @type {any} */ each) => each.schema)[0]);
  const [status, answer] = Object.entries(operation.responses).find(([code]) => code.startsWith("2")) ?? ["", {}];
  const answered = resolved(Object.values(/** @type {Json} */ (answer).content ?? {}).map((/** @type {any} */ each) => each.schema)[0]);
  const problems = Object.entries(operation.responses)
    .filter(([code]) => Number(code) >= 400)
    .flatMap(([code, each]) => [el("dt", { text: code }), el("dd", {}, ...prose(/** @type {Json} */ (each).description))]);
  return el(
    "details",
    { class: "operation" },
    el("summary", {}, el("span", { class: "method", text: method.toUpperCase() }), el("code", { class: "path", text: path }), el("span", { class: "said", text: operation.summary ?? "" })),
    el(
      "div",
      { class: "inside" },
      operation.description && el("p", {}, ...prose(operation.description)),
      ...section("Address and query", parameters),
      ...section("What you send", properties(body)),
      ...section(`What you get (${status})`, properties(answered)),
      ...section("What may go wrong", problems),
    ),
  );
}

/** @param {Json} document_ */
function show(document_) {
  schemas = document_.components.schemas;
  const operations = Object.entries(document_.paths).flatMap(([path, methods]) =>
    Object.entries(/** @type {Json} */ (methods)).map(([method, operation]) => ({ tag: operation.tags?.[0] ?? "more", shown: () => described(path, method, operation) })),
  );
  const tags = document_.tags.map((/** @type {Json} */ tag) => tag.name);
  byId("operations").replaceChildren(
    ...tags.flatMap((/** @type {string} */ tag) => [el("h2", { text: tag }), ...operations.filter((each) => each.tag === tag).map((each) => each.shown())]),
  );
}

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch(() => byId("operations").replaceChildren(el("p", { text: "The reference cannot be read now; it is at /openapi.json." })));
