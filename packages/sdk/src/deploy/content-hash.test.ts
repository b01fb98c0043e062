import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { contentHash } from "./content-hash.ts";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const FILES = {
  "flows/a.ts": `import { b } from "../src/b.js"; import z from "zod"; export { c } from '../src/lib';`,
  "src/b.ts": `import "./d.ts"; const lazy = () => import("./e.mjs");`,
  "src/lib/index.ts": `export const c = new URL("./words.txt", import.meta.url);`,
  "src/lib/words.txt": "one two",
  "src/d.ts": `import "./b.ts"; // a cycle`,
  "src/e.mjs": `require("../node_modules/pack/index.js"); import "../../outside.ts";`,
  "node_modules/pack/index.js": "1",
  "src/unrelated.ts": "2",
};

function aProject(changes: Readonly<Record<string, string>> = {}): string {
  const root = join(mkdtempSync(join(tmpdir(), "downbeat-hash-")), "project");
  made.push(dirname(root));
  for (const [path, text] of Object.entries({ ...FILES, ...changes })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  writeFileSync(join(root, "../outside.ts"), String(Math.random()));
  return root;
}

const hashOf = (changes?: Readonly<Record<string, string>>): Promise<string> =>
  contentHash(aProject(changes), "flows/a.ts");

test("the same files give the same hash wherever the project lies", async () => {
  const hash = await hashOf();
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await hashOf()).toBe(hash);
});

test.each([
  "flows/a.ts",
  "src/b.ts",
  "src/d.ts",
  "src/e.mjs",
  "src/lib/index.ts",
  "src/lib/words.txt",
])("a change of %s, which the flow leads to, is another version", async (path) => {
  const text = `${FILES[path as keyof typeof FILES]} `;
  expect(await hashOf({ [path]: text })).not.toBe(await hashOf());
});

test.each(["src/unrelated.ts", "node_modules/pack/index.js"])(
  "a change of %s is not",
  async (path) => {
    expect(await hashOf({ [path]: "changed" })).toBe(await hashOf());
  },
);

test("a module that is not there is an error", async () => {
  await expect(contentHash(aProject(), "flows/nothing.ts")).rejects.toThrow("ENOENT");
});
