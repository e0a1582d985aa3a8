// SPDX-License-Identifier: MIT
// client.mjs SERVER LOANS: the JavaScript client agrees with the server on random records, right and wrong, and with one
// whose fields are optional.
import assert from "node:assert/strict";
import {createServer} from "node:http";
import {RequestError, connect, evaluate} from "../../examples/javascript_client/client.mjs";

const client = await connect(process.argv[2]);
let seed = 20260131;
const random = () => { // mulberry32
  seed = (seed + 0x6D2B79F5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const integer = below => Math.floor(random() * below);
const choice = list => list[integer(list.length)];

function rightRecord() {
  const record = {};
  for (const [name, {type, minimum = 0, minLength = 0, maxLength = 20}] of Object.entries(client.record.properties)) {
    if (type === "string") record[name] = choice(["US", "GB", "\u{1F600}\u{1F600}", "x".repeat(maxLength), "Ü\"\\\n"]).padEnd(minLength, "x");
    if (type === "integer") record[name] = minimum + choice([0, 1, integer(20), integer(1000), 2 ** 52]);
    if (type === "number") record[name] = minimum + choice([0, 0.1, random() * 500, 1e300, 5e-324]);
  }
  record.practice_exams_started = integer(20);
  record.practice_exams_passed = integer(record.practice_exams_started + 1);
  return record;
}
const spoil = {
  string: schema => choice([null, [], {}, ["US"], "x".repeat(schema.minLength - 1), "\u{1F600}".repeat(schema.maxLength + 1), ""]),
  integer: () => choice([null, [], {}, "x", "", "1x", -1, -1000, "1.5"]),
  number: () => choice([null, [], {}, "x", "", "1,5", -5e-324, -1e300]),
};
function wrongRecord() {
  const record = rightRecord();
  if (random() < 0.05) return choice([null, 7, "text", [1], true]);
  for (let times = 1 + integer(3); times > 0; --times) {
    const name = choice(Object.keys(client.record.properties));
    const schema = client.record.properties[name];
    if (random() < 0.3) delete record[name];
    else record[name] = spoil[schema.type](schema);
  }
  return record;
}

function contradictingRecord() {
  const record = rightRecord();
  return {...record, practice_exams_passed: record.practice_exams_started + 1 + integer(3)};
}

/** What the server says of records, in the words of check(). */
async function verdict(records) {
  try {
    return {predictions: await client.predict(records)};
  } catch (error) {
    assert(error instanceof RequestError && error.status === 422, String(error));
    return {wrong: error.body.errors.map(({pointer, code, detail}) => {
      const [, , row, field] = pointer.split("/");
      return code === "rule" ? {row: Number(row), rule: detail} : {row: Number(row), ...(field && {field}), code};
    })};
  }
}

const model = (await client.get("/model")).name;
const seen = {right: 0, values: 0, rules: 0};
for (let round = 0; round < 400; ++round) {
  const kind = [rightRecord, wrongRecord, rightRecord, contradictingRecord][round % 4];
  const records = Array.from({length: 1 + integer(6)}, () => random() < 0.3 ? kind() : rightRecord());
  const expected = client.check(records);
  const {predictions, wrong} = await verdict(records);
  assert.deepEqual(wrong ?? [], expected, JSON.stringify(records));
  if (wrong) {
    ++seen[wrong[0].rule ? "rules" : "values"];
    const objects = records.filter(r => r && typeof r === "object" && !Array.isArray(r));
    if (client.check(objects).length) await assert.rejects(client.infer(model, objects), error => error.status === 400);
    continue;
  }
  ++seen.right;
  assert.equal(predictions.length, records.length);
  const tensors = await client.infer(model, records);
  for (const name of Object.keys(tensors)) assert.deepEqual(tensors[name], predictions.map(p => p[name]));
}
assert(seen.right > 100 && seen.values > 50 && seen.rules > 50, JSON.stringify(seen));

const [explained] = await client.predict([rightRecord()], {explain: 2});
assert.equal(explained.explanation.contributions.length, 2);
await assert.rejects(client.predict([rightRecord()], {explain: 1001}), error => error.body.errors[0].parameter === "explain");
await assert.rejects(client.infer("other", [rightRecord()]), error => error.status === 404);
const record = {a: 4, b: -1};
assert.equal(evaluate({if: [{"<": [{var: "b"}, 0]}, {max: [{sqrt: [{var: "a"}]}, 1]}, 7]}, record), 2);
assert.equal(evaluate({and: [{"==": [{var: "c"}, null]}, {"!": [{"<": [{var: "a"}, 4]}]}]}, record), true);
assert.equal(evaluate({in: [{var: "a"}, [3, 4]]}, record), true);
assert.equal(evaluate({in: [{var: "c"}, ["x"]]}, record), false);

const loans = await connect(process.argv[3]);
const some = [{purpose: "car", months: 48, amount: 12000, income: 2600}, {purpose: "house", sector: "public", months: 9, amount: 500, income: undefined}];
assert.deepEqual(loans.check(some), []);
const [one, other] = await loans.predict(some);
const {probability} = await loans.infer((await loans.get("/model")).name, some);
assert.deepEqual(probability, [one.probability, other.probability]);

// A proxy's refusal is no JSON.
const document = await (await fetch(process.argv[2] + "/openapi.json")).text();
const proxy = createServer((asked, reply) => asked.method === "GET" ? reply.end(document) : reply.writeHead(429).end("<html>"));
await new Promise(done => proxy.listen(0, "127.0.0.1", done));
const behind = await connect(`http://127.0.0.1:${proxy.address().port}`);
await assert.rejects(behind.predict([rightRecord()]), error => error instanceof RequestError && error.status === 429);
proxy.close();
console.log(JSON.stringify(seen));
