// The official parser of AsyncAPI: reads a document from its input and prints what it finds wrong, one JSON list.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const { Parser } = createRequire(process.argv[2] + "/")("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const wrong = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join("."), severity }));
console.log(JSON.stringify({ version: document?.version() ?? null, channels: document?.channels().all().length ?? 0, wrong }));
