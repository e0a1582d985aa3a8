// SPDX-License-Identifier: MIT
// Reads [{document, answers}] from the standard input: is each document correct OpenAPI, are its examples what their
// schemas say, and the answers what the document says of them? Run by openapi.py beside its packages.
import SwaggerParser from "@apidevtools/swagger-parser";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";
import {readFileSync} from "node:fs";

let failed = 0;
const fail = text => { ++failed; console.error("FAILED  " + text); };

for (const {document, answers} of JSON.parse(readFileSync(0, "utf8"))) {
  const api = await SwaggerParser.validate(structuredClone(document)); // with every $ref resolved
  const ajv = new Ajv({allErrors: true, strict: true, strictTypes: false, strictRequired: true, allowUnionTypes: true});
  formats(ajv);
  ajv.addFormat("int64", true);
  for (const word of ["x-rules", "example"]) ajv.addKeyword(word);
  const check = (schema, value, what) => {
    const validate = ajv.compile(schema);
    if (!validate(value)) fail(`${what}: ${JSON.stringify(validate.errors.slice(0, 3))} in ${JSON.stringify(value).slice(0, 300)}`);
  };

  let examples = 0;
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    ajv.compile(schema);
    for (const example of schema.examples ?? []) check(schema, example, `example of ${name}`), ++examples;
    for (const [field, {examples: some = [], ...own}] of Object.entries(schema.properties ?? {})) {
      for (const example of some) check(own, example, `example of ${name}.${field}`), ++examples;
    }
  }
  for (const response of Object.values(api.components.responses)) {
    for (const {schema, example, examples: named = {}} of Object.values(response.content)) {
      for (const value of [example, ...Object.values(named).map(e => e.value)]) {
        if (value !== undefined) check(schema, value, response.description), ++examples;
      }
    }
  }

  for (const {method, path, status, type, sent, answer} of answers) {
    const what = `${method} ${path} ${status} ${type}`;
    const operation = api.paths[path]?.[method];
    const content = operation?.responses[status]?.content;
    const said = content?.[type];
    if (!said) fail(`${what} is not in the document`);
    else check(said.schema, answer, what);
    const body = operation?.requestBody?.content["application/json"].schema;
    if (body && status === 200) check(body, sent, `what was sent to ${what}`);
  }
  console.log(`ok      ${answers.length} answers and ${examples} examples are as the document says`);
}
process.exit(failed ? 1 : 0);
