/** Which workspace packages a folder may import, besides itself. What is not listed is forbidden. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "packages/contract": [],
  "packages/core": ["contract"],
  "packages/db": ["contract", "core"],
  "packages/seal": ["contract"],
  "packages/client": ["contract"],
  "packages/sdk": ["client", "contract", "seal"],
  "packages/testkit": ["contract", "db"],
  "apps/api": ["contract", "core", "db"],
  "apps/agent": ["client", "contract", "sdk", "seal"],
  "apps/cli": ["client", "contract", "sdk", "seal"],
  "apps/dashboard": ["client", "contract", "seal"],
  "apps/examples": ["sdk"],
};

/** Modules that only some folders may import, and why. A name ending in `*` stands for all that begin so. */
export const RESERVED_MODULES: readonly {
  readonly modules: readonly string[];
  readonly onlyIn: readonly string[];
  readonly because: string;
}[] = [
  {
    modules: ["@prisma/*", "prisma", "pglite-prisma-adapter"],
    onlyIn: ["packages/db/"],
    because: "only packages/db talks to a database",
  },
  {
    modules: ["pg", "@electric-sql/*"],
    onlyIn: ["packages/db/", "packages/testkit/", "test/"],
    because: "only packages/db talks to a database; tests look at one from outside",
  },
  {
    modules: ["vitest", "vitest/*", "@downbeat/testkit"],
    onlyIn: ["packages/testkit/", "test/", "*.test.ts", "*.test.tsx"],
    because: "test tools stay in tests",
  },
  {
    modules: ["@downbeat/seal/testing"],
    onlyIn: ["test/", "*.test.ts"],
    because: "hostile logs stay in tests",
  },
  {
    modules: ["fastify", "fastify-plugin", "@fastify/*", "jsonwebtoken"],
    onlyIn: ["apps/api/", "apps/examples/web/"],
    because: "only the API serves HTTP of its own contract; an example shows a customer's web app",
  },
  {
    modules: ["react", "react-dom", "react-dom/*", "react/*", "@tanstack/*"],
    onlyIn: ["apps/dashboard/"],
    because: "only the dashboard draws pages",
  },
];

/** Folders that also run in a browser or must do no I/O, and the part of them that need not. */
export const NO_NODE_MODULES: readonly { readonly in: string; readonly except?: string }[] = [
  { in: "packages/contract/src/" },
  { in: "packages/core/src/" },
  { in: "packages/seal/src/", except: "packages/seal/src/node/" },
  { in: "apps/dashboard/src/" },
];

/** The only files that read the environment. Everything else is handed a typed object. */
export const ENVIRONMENT_READERS: readonly RegExp[] = [
  /^apps\/[^/]+\/(src\/)?config\.ts$/,
  // The SDK has no process of its own, so its profile is its configuration.
  /^packages\/sdk\/src\/profile\/read-profile\.ts$/,
  /^packages\/testkit\/src\/config\.ts$/,
  /^test\//,
];
