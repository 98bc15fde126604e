// Upgrades Presentation 2 documents with @iiif/parser: one line of JSON for each file that is named, with `document` or `error`.
import { readFileSync } from "node:fs";
import { upgrade } from "@iiif/parser/upgrader";

for (const file of process.argv.slice(2)) {
  let line;
  try {
    line = { document: upgrade(JSON.parse(readFileSync(file, "utf8"))) };
  } catch (error) {
    line = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
