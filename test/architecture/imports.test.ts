import { readFileSync } from "node:fs";
import { globSync } from "tinyglobby";
import { describe, expect, it } from "vitest";
import { importViolations } from "./import-violations.ts";
import { MAY_IMPORT } from "./import-rules.ts";
import { type DependencyGraph, findCycle } from "./package-cycles.ts";
import { ROOT, typescriptFiles } from "./source-files.ts";

describe("the workspace", () => {
  it("holds every import rule", async () => {
    const files = await typescriptFiles();
    expect(files.length).toBeGreaterThan(50);
    expect(importViolations(files)).toEqual([]);
  });

  it("has a line in the table for each app and package", () => {
    const homes = globSync(["apps/*/package.json", "packages/*/package.json"], { cwd: ROOT });
    const named = homes.map((manifest) => manifest.replace("/package.json", ""));
    expect(Object.keys(MAY_IMPORT).toSorted()).toEqual(named.toSorted());
  });

  it("has no package that depends on itself through others", () => {
    expect(findCycle(declaredDependencies())).toBeUndefined();
  });
});

describe("importViolations", () => {
  const offences: readonly [path: string, code: string, complaint: RegExp][] = [
    ["apps/api/src/app.ts", `import "@downbeat/seal";`, /apps\/api may import contract, core, db/],
    ["apps/api/src/app.ts", `export { open } from "@downbeat/seal";`, /apps\/api may import/],
    ["apps/api/src/app.ts", `await import("@downbeat/seal");`, /apps\/api may import/],
    ["apps/api/src/app.ts", `import type { K } from "@downbeat/seal";`, /apps\/api may import/],
    ["apps/cli/src/main.ts", `import { startAgent } from "@downbeat/agent";`, /apps\/cli may/],
    ["packages/contract/src/a.ts", `import "@downbeat/core";`, /may import no other package/],
    ["packages/core/src/a.ts", `import "@downbeat/db";`, /packages\/core may import contract/],
    ["apps/new/src/a.ts", `import "@downbeat/core";`, /apps\/new has no line in the table/],
    ["apps/api/src/app.ts", `import "@downbeat/db/src/runs.ts";`, /use the package's exports/],
    ["apps/api/src/app.ts", `import "@downbeat/db/dist/runs.js";`, /use the package's exports/],
    ["apps/api/src/app.ts", `import "../../cli/src/main.ts";`, /leaves apps\/api/],
    ["apps/api/src/app.ts", `import "./config.js";`, /names the file with its extension/],
    ["apps/api/src/app.ts", `import pg from "pg";`, /only packages\/db talks to a database/],
    ["apps/api/src/app.ts", `import { PrismaClient } from "@prisma/client";`, /only packages\/db/],
    ["packages/sdk/src/a.ts", `import { aClock } from "@downbeat/testkit";`, /stay in tests/],
    ["packages/core/src/a.ts", `import { readFile } from "node:fs";`, /does no I\/O/],
    ["apps/api/src/features/runs/a.ts", `import "../flows/b.ts";`, /sibling feature/],
    ["apps/api/src/app.ts", `const port = process.env["PORT"];`, /reads process.env/],
    ["apps/api/src/app.ts", `const port = process.env.PORT;`, /reads process.env/],
    ["apps/api/src/app.ts", `const port = process["env"]["PORT"];`, /reads process.env/],
    ["apps/api/src/app.ts", `const { env } = process;`, /reads process.env/],
    ["apps/api/src/app.ts", `import { env as e } from "node:process";`, /reads process.env/],
  ];

  it.each(offences)("reports %s with %s", (path, text, complaint) => {
    const found = importViolations([{ path, text }]);
    expect(found.some((sentence) => complaint.test(sentence) && sentence.startsWith(path))).toBe(
      true,
    );
  });

  const innocent: readonly [path: string, code: string][] = [
    ["apps/api/src/config.ts", `const port = process.env["PORT"];`],
    ["apps/api/src/app.ts", `// process.env and import "@downbeat/seal" are forbidden here`],
    ["apps/api/src/app.ts", `const words = 'import "@downbeat/seal"';`],
    ["apps/api/src/features/runs/a.ts", `import "./b.ts"; import "../../app.ts";`],
    ["packages/sdk/src/a.test.ts", `import { aClock } from "@downbeat/testkit";`],
    ["packages/seal/src/node/a.ts", `import { readFile } from "node:fs";`],
    ["packages/db/src/a.ts", `import pg from "pg"; import "@downbeat/core";`],
  ];

  it.each(innocent)("finds nothing wrong in %s with %s", (path, text) => {
    expect(importViolations([{ path, text }])).toEqual([]);
  });

  it("does not pass over a file that does not parse", () => {
    expect(() => importViolations([{ path: "apps/api/src/a.ts", text: "import {" }])).toThrow(
      "apps/api/src/a.ts does not parse",
    );
  });
});

describe("findCycle", () => {
  it("names the members of a cycle", () => {
    expect(findCycle({ a: ["b"], b: ["c"], c: ["b"] })).toEqual(["b", "c", "b"]);
    expect(findCycle({ a: ["b", "c"], b: ["c"], c: [] })).toBeUndefined();
  });
});

function declaredDependencies(): DependencyGraph {
  const manifests = globSync(["{apps,packages}/*/package.json"], { cwd: ROOT, absolute: true });
  return Object.fromEntries(
    manifests.map((path) => {
      const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
      return [
        manifest.name,
        Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }),
      ];
    }),
  );
}

type Manifest = {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};
