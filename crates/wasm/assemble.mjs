// Checks the digests that the module of the recipes computes, then makes docs/browser.html:
// node assemble.mjs DIGESTS.wasm BROWSER.wasm SHA256
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

const [digests, browser, server] = process.argv.slice(2);
const here = path => new URL(path, import.meta.url);

const start = performance.now();
const { instance } = await WebAssembly.instantiate(readFileSync(digests), {});
const at = instance.exports.digests();
const memory = new Uint8Array(instance.exports.memory.buffer);
const found = new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)));
const expected = readFileSync(here("../core/tests/digests/x86_64.txt"), "utf8");
if (found !== expected) {
    const lines = expected.split("\n");
    console.error(found.split("\n").filter((line, i) => line !== lines[i]).join("\n"));
    throw new Error("WebAssembly computes other bits than x86-64");
}
console.log(`${found.split("\n").length - 1} digests agree, in ${Math.round(performance.now() - start)} ms`);

const base64 = path => readFileSync(path).toString("base64");
const parts = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
const data = parts.map(part => base64(here(`../../data/${part}-ubyte.gz`)));
const page = readFileSync(here("page.html"), "utf8")
    .replace("@MODULE@", base64(browser))
    .replace("@DATA@", JSON.stringify(data))
    .replace("@SERVER@", server);
writeFileSync(here("../../docs/browser.html"), page);
console.log(`docs/browser.html has ${page.length} bytes`);
