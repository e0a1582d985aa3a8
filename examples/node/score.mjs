// SPDX-License-Identifier: MIT
// node score.mjs LIBRARY MODEL POLICY RECORDS: scores an Arrow file and prints a line for each record.
import { makeData, makeVector, Float64, LargeUtf8, tableFromIPC } from "apache-arrow";
import koffi from "koffi";
import { readFileSync } from "node:fs";

const [path, modelFile, policy, records] = process.argv.slice(2);
const library = koffi.load(path);
const f = (name, ...parameters) => library.func(`loan_default_${name}`, "int", parameters);
const lastError = library.func("loan_default_last_error", "str", []);
const [open, close] = [f("open", "uint32", "str", "str", "void *"), library.func("loan_default_close", "void", ["void *"])];
const recordSchema = f("record_schema", "void *");
const scoreRecords = f("score", "void *", "void *", "void *", "void *");
function check(status) {
  if (status !== 0) throw new Error(lastError()); // of this thread: not after an asynchronous call
}

// ArrowSchema is 9, ArrowArray 10 numbers of 64 bits. score() releases both before it returns, which marks them as
// released; until then kept holds the memory that they point to.
const Release = koffi.proto("void Release(void *)");
const word = (at, i) => koffi.decode(at, "int64", i + 1)[i];
const mark = (i) => koffi.register((at) => koffi.encode(at, 8 * i, "int64", 0n), koffi.pointer(Release));
const [schemaReleased, arrayReleased] = [mark(7), mark(8)];
const formats = { Bool: "b", Int32: "i", Int64: "l", Float32: "f", Float64: "g", Utf8: "u", LargeUtf8: "U" };

function exported(name, data, kept) {
  const pointer = (values) => (values?.length ? (kept.push(values), koffi.address(values)) : 0n);
  const pointers = (all) => pointer(BigInt64Array.from(all, BigInt));
  const format = data.children.length ? "+s" : formats[data.type];
  if (!format) throw new Error(`column ${name}: ${data.type} is not exported here`);
  const children = data.children.map((child, i) => exported(data.type.children[i].name, child, kept));
  const buffers = [data.nullBitmap, data.valueOffsets, data.values].slice(0, format === "+s" ? 1 : 3);
  const used = buffers.filter((b, i) => i === 0 || b).map(pointer);
  const texts = [format, name].map((text) => pointer(Buffer.from(text + "\0")));
  const schema = [...texts, 0, 2, children.length, pointers(children.map((c) => c.schema)), 0, schemaReleased, 0];
  const array = [data.length, data.nullCount, data.offset, used.length, children.length, pointers(used),
    pointers(children.map((c) => c.array)), 0, arrayReleased, 0];
  return { schema: pointers(schema), array: pointers(array) };
}

// A column of doubles or texts, copied.
function column(array, i, type) {
  const child = word(word(array, 6), i);
  const [length, nullCount] = [Number(word(child, 0)), Number(word(child, 1))];
  const buffer = (at, of, n) => koffi.decode(word(word(child, 5), at), of, n);
  const nullBitmap = nullCount ? buffer(0, "uint8", Math.ceil(length / 8)) : undefined;
  if (length === 0) return makeVector(makeData({ type }));
  if (type instanceof Float64) return makeVector(makeData({ type, length, nullCount, nullBitmap, data: buffer(1, "double", length) }));
  const valueOffsets = buffer(1, "int64", length + 1);
  const data = buffer(2, "uint8", Number(valueOffsets[length]));
  return makeVector(makeData({ type, length, nullCount, nullBitmap, valueOffsets, data }));
}

const opened = new BigInt64Array(1);
check(open(1, modelFile, policy, opened));
const schema = new BigInt64Array(9);
check(recordSchema(schema));
for (let i = 0; i < schema[4]; ++i) {
  const [format, name, , flags] = koffi.decode(word(schema[5], i), "int64", 4);
  console.log(koffi.decode.string(name), koffi.decode.string(format), flags & 2n ? "may be null" : "");
}
koffi.call(schema[7], Release, schema);
for (const batch of tableFromIPC(readFileSync(records)).batches) {
  const kept = [], predictions = new BigInt64Array(10);
  const input = exported("", batch.data, kept);
  check(scoreRecords(opened[0], input.schema, input.array, predictions));
  kept.length = 0;
  const [probability, error] = [column(predictions, 0, new Float64()), column(predictions, 3, new LargeUtf8())];
  koffi.call(predictions[8], Release, predictions);
  for (let row = 0; row < batch.numRows; ++row) console.log(row, probability.get(row), error.get(row));
}
close(opened[0]);
