// SPDX-License-Identifier: MIT
// A client of the prediction server for Node and browsers, without dependencies. All it knows of records (fields, bounds,
// rules) it reads from the server's /openapi.json, so that it can refuse a record before it is sent.

/** Opens a client: const client = await connect("http://127.0.0.1:8000"), or "https://example.org/scoring" behind a proxy. */
export async function connect(server) {
  const reply = await fetch(address(server, "/openapi.json"));
  if (!reply.ok) throw new Error(`${reply.url}: ${reply.status}`);
  return new Client(server, await reply.json());
}

/** The address of one of the server's paths, under the server's own. */
function address(server, path) {
  return new URL(String(server).replace(/\/*$/, "") + path);
}

/** An answer other than 2xx: its status, and its body as problem details, the protocol's {"error": "..."}, or {}. */
export class RequestError extends Error {
  constructor(status, body) {
    super(body.detail ?? body.error ?? `status ${status}`);
    this.status = status;
    this.body = body;
  }
}

class Client {
  constructor(server, api) {
    this.server = server;
    this.api = api;
    this.record = api.components.schemas.PredictRequest;
  }

  /** What is wrong with records by the document: [{row, field, code}], then [{row, rule}] if all values are right. */
  check(records) {
    const wrong = records.flatMap((record, row) => this.#checkValues(record).map(e => ({row, ...e})));
    if (wrong.length) return wrong;
    for (const {message, condition} of this.record["x-rules"] ?? []) {
      const row = records.findIndex(record => !evaluate(condition, record));
      if (row >= 0) return [{row, rule: message}];
    }
    return [];
  }

  /** One prediction a record, in their order. Options: {explain: how many features}. */
  async predict(records, {explain} = {}) {
    const query = explain ? `?explain=${explain}` : "";
    return (await this.#post(`/batch_predict${query}`, {records})).predictions;
  }

  /** The same by the Open Inference Protocol: {name of an output: its numbers}. */
  async infer(model, records) {
    const inputs = Object.entries(this.record.properties).map(([name, {type}]) => ({
      name, datatype: {integer: "INT64", number: "FP64", boolean: "BOOL", string: "BYTES"}[[type].flat()[0]],
      shape: [records.length], data: records.map(record => record[name] ?? null)}));
    const {outputs} = await this.#post(`/v2/models/${encodeURIComponent(model)}/infer`, {inputs});
    return Object.fromEntries(outputs.map(({name, data}) => [name, data]));
  }

  async get(path) {
    const reply = await fetch(address(this.server, path));
    return contentOf(reply);
  }

  async #post(path, body) {
    const reply = await fetch(address(this.server, path), {
      method: "POST",
      headers: {"content-type": "application/json", accept: "application/json, application/problem+json"},
      body: JSON.stringify(body)});
    return contentOf(reply);
  }

  #checkValues(record) {
    if (record === null) return [{code: "null"}];
    if (typeof record !== "object" || Array.isArray(record)) return [{code: "not_record"}];
    return Object.entries(this.record.properties).flatMap(([field, schema]) => {
      if (!Object.hasOwn(record, field) || record[field] === undefined) {
        return this.record.required.includes(field) ? [{field, code: "missing"}] : [];
      }
      const code = wrongValue(record[field], schema);
      return code ? [{field, code}] : [];
    });
  }
}

/** The JSON of an answer. An error of a proxy may be a page. */
async function contentOf(reply) {
  if (reply.ok) return reply.json();
  throw new RequestError(reply.status, await reply.json().catch(() => ({})));
}

/** The code of what is wrong with a value, as problem details have it; or nothing. */
function wrongValue(value, schema) {
  const types = [schema.type].flat();
  if (value === null) return types.includes("null") ? undefined : "null";
  if (types.includes("string")) {
    if (typeof value !== "string") return "not_text";
    const length = [...value].length;
    return length < schema.minLength ? "min_length" : length > schema.maxLength ? "max_length" : undefined;
  }
  if (types.includes("boolean")) return typeof value === "boolean" ? undefined : "not_boolean";
  if (types.includes("integer") && !Number.isInteger(value)) return "not_integer";
  if (typeof value !== "number") return "not_real";
  if (value < schema.minimum) return "ge";
  if (value <= schema.exclusiveMinimum) return "gt";
  if (value > schema.maximum) return "le";
  if (value >= schema.exclusiveMaximum) return "lt";
  return Number.isFinite(value) ? undefined : "not_finite";
}

const operations = {
  "+": (a, b) => a + b, "-": (a, b) => b === undefined ? -a : a - b, "*": (a, b) => a * b, "/": (a, b) => a / b,
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b,
  and: (a, b) => a && b, or: (a, b) => a || b, "!": a => !a, if: (c, a, b) => c ? a : b, in: (a, all) => all.includes(a),
  max: Math.max, min: Math.min, abs: Math.abs, sqrt: Math.sqrt, log: Math.log, log1p: Math.log1p,
};

/** The value of a JsonLogic formula over a record. */
export function evaluate(formula, record) {
  if (formula === null || typeof formula !== "object" || Array.isArray(formula)) return formula;
  const [[name, operands]] = Object.entries(formula);
  if (name === "var") return record[operands] ?? null;
  return operations[name](...operands.map(operand => evaluate(operand, record)));
}
