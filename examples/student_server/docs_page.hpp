// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

/// A page that shows /openapi.json and sends requests; it loads nothing from anywhere else.
inline constexpr std::string_view docs_page = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Student purchase predictions</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
code, pre, textarea { font: 14px/1.4 ui-monospace, monospace }
pre { background: #f4f4f4; padding: .7rem; overflow: auto }
textarea { width: 100%; height: 11rem; box-sizing: border-box }
td, th { text-align: left; padding: .1rem 1.2rem .1rem 0; vertical-align: top }
</style>
</head>
<body>
<h1>Student purchase predictions</h1>
<p>The machine-readable description is <a href="/openapi.json">/openapi.json</a>.</p>
<h2>Requests</h2><table id="paths"></table>
<h2>A record</h2><table id="fields"></table><p id="rule"></p>
<h2>Try it</h2>
<form id="try">
<p><select id="path"></select> <button>Send</button></p>
<textarea id="body">{"records": [{"student_country": "US", "days_on_platform": 45, "minutes_watched": 320.5,
  "courses_started": 3, "practice_exams_started": 5, "practice_exams_passed": 3, "minutes_spent_on_exams": 87.2}]}</textarea>
</form>
<pre id="answer">The answer appears here.</pre>
<script>
const $ = id => document.getElementById(id);
const row = (...cells) => { const r = $("paths").ownerDocument.createElement("tr");
  for (const c of cells) r.insertCell().textContent = c; return r; };
fetch("/openapi.json").then(r => r.json()).then(api => {
  for (const [path, methods] of Object.entries(api.paths)) for (const [method, what] of Object.entries(methods)) {
    $("paths").append(row(method.toUpperCase(), path, what.summary));
    $("path").append(new Option(method.toUpperCase() + " " + path, undefined, path === "/batch_predict",
                                path === "/batch_predict"));
  }
  const record = api.components.schemas.PredictRequest;
  for (const [name, {type, ...bounds}] of Object.entries(record.properties))
    $("fields").append(row(name, type, Object.entries(bounds).map(b => b.join(" ")).join(", "),
                           record.required.includes(name) ? "required" : ""));
  $("rule").textContent = record.description;
});
$("try").onsubmit = async event => {
  event.preventDefault();
  const [method, path] = $("path").value.split(" ");
  const reply = await fetch(path, method === "GET" ? {} :
    {method, headers: {"content-type": "application/json"}, body: $("body").value});
  const text = await reply.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch {}
  $("answer").textContent = reply.status + " " + reply.statusText + "\n" + shown;
};
</script>
</body>
</html>
)html";
