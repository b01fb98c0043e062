// Makes of this workspace package one that npm can install by itself: ES modules, CommonJS and types, with the other
// @downbeat packages inside and every version spelled out.
//
//   node pack.mjs stage FOLDER   writes the package to an empty folder; `npm pack FOLDER` makes the tarball
//   node pack.mjs before|after   what `npm pack` calls here: the same in place, and everything as it was again
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../..");
const SAVED = join(HERE, ".package.json.workspace");
const FORMATS = [
  { folder: "esm", format: "es", condition: "import", type: "module" },
  { folder: "cjs", format: "cjs", condition: "require", type: "commonjs" },
];

const commands = {
  stage: (folder) => stage(resolve(folder)),
  before: async () => {
    restore();
    copyFileSync(join(HERE, "package.json"), SAVED);
    await stage(HERE);
  },
  after: restore,
};

/** Writes the package to a folder. */
async function stage(folder) {
  mkdirSync(folder, { recursive: true });
  const workspace = readJson(existsSync(SAVED) ? SAVED : join(HERE, "package.json"));
  const entries = entriesOf(workspace);
  for (const { folder: name, format, type } of FORMATS) {
    const out = join(folder, name);
    await bundle(entries, out, format);
    writeTypes(entries, out);
    writeJson(join(out, "package.json"), { type });
  }
  for (const [from, name] of [
    [join(ROOT, "LICENSE"), "LICENSE"],
    [join(HERE, "README.md"), "README.md"],
  ]) {
    if (resolve(folder, name) !== from) copyFileSync(from, join(folder, name));
  }
  writeJson(join(folder, "package.json"), manifest(workspace, entries));
}

function restore() {
  for (const { folder } of FORMATS) rmSync(join(HERE, folder), { recursive: true, force: true });
  rmSync(join(HERE, "LICENSE"), { force: true });
  if (existsSync(SAVED)) renameSync(SAVED, join(HERE, "package.json"));
}

/** `{ subpath: ".", name: "index", source, types }` of each module that users may import. */
function entriesOf({ exports }) {
  return Object.entries(exports)
    .filter(([, target]) => typeof target === "object")
    .map(([subpath, { source, types }]) => ({
      subpath,
      name: subpath === "." ? "index" : subpath.slice(2),
      source: join(HERE, source),
      types: join(HERE, types),
    }));
}

async function bundle(entries, outDir, format) {
  const conditions = ["source", "node", "import", "default"];
  const isElsewhere = (id) =>
    !id.startsWith(".") && !isAbsolute(id) && !id.startsWith("@downbeat/");
  await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      minify: false,
      target: "node20.19",
      rolldownOptions: {
        input: Object.fromEntries(entries.map(({ name, source }) => [name, source])),
        external: isElsewhere,
        // The class of an error is part of what a run records.
        output: {
          format,
          keepNames: true,
          entryFileNames: "[name].js",
          chunkFileNames: "chunks/[name]-[hash].js",
        },
      },
    },
  });
}

const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]*|@downbeat\/[^"]*)"/g;

/** Copies the declarations that the entries reach, and makes what they import from the workspace relative. */
function writeTypes(entries, out) {
  const target = (file) => {
    const [, name, path] = /packages\/([^/]+)\/dist\/(.*)$/.exec(file);
    return join(out, "types", name, path);
  };
  const waiting = entries.map(({ types }) => types);
  const seen = new Set(waiting);
  for (const file of waiting) {
    const text = readFileSync(file, "utf8").replace(/\n?\/\/# sourceMappingURL=.*/, "\n");
    const rewritten = text.replaceAll(SPECIFIER, (_, keyword, specifier) => {
      const imported = declarationOf(specifier, file);
      if (!seen.has(imported)) waiting.push(imported);
      seen.add(imported);
      const path = relative(dirname(target(file)), target(imported)).replace(/\.d\.ts$/, ".js");
      return `${keyword}"${path.startsWith(".") ? path : `./${path}`}"`;
    });
    mkdirSync(dirname(target(file)), { recursive: true });
    writeFileSync(target(file), rewritten);
  }
}

function declarationOf(specifier, from) {
  if (specifier.startsWith("."))
    return resolve(dirname(from), specifier).replace(/\.[jt]s$/, ".d.ts");
  const [, name, subpath] = /^@downbeat\/([^/]+)(.*)$/.exec(specifier);
  const folder = join(ROOT, "packages", name);
  return join(folder, readJson(join(folder, "package.json")).exports[`.${subpath}`].types);
}

function manifest(workspace, entries) {
  const { name, version, description, license, engines, peerDependencies, peerDependenciesMeta } =
    workspace;
  return {
    name,
    version,
    description,
    license,
    type: "module",
    sideEffects: FORMATS.map(({ folder }) => `./${folder}/worker.js`),
    files: FORMATS.map(({ folder }) => folder),
    main: "./cjs/index.js",
    module: "./esm/index.js",
    types: "./cjs/types/sdk/index.d.ts",
    exports: {
      "./package.json": "./package.json",
      ...Object.fromEntries(entries.map((entry) => [entry.subpath, conditionsOf(entry)])),
    },
    // For resolvers from before `exports`.
    typesVersions: {
      "*": Object.fromEntries(
        entries.slice(1).map((entry) => [entry.name, [typesOf(entry, "cjs")]]),
      ),
    },
    dependencies: dependenciesOf(workspace),
    peerDependencies,
    peerDependenciesMeta,
    engines,
  };
}

function conditionsOf(entry) {
  return Object.fromEntries(
    FORMATS.map(({ folder, condition }) => [
      condition,
      { types: typesOf(entry, folder), default: `./${folder}/${entry.name}.js` },
    ]),
  );
}

function typesOf({ types }, folder) {
  return `./${folder}/types/sdk/${relative(join(HERE, "dist"), types)}`;
}

/** What this package and those inside it need from elsewhere, in the range that lets npm share one copy. */
function dependenciesOf({ dependencies, peerDependencies }) {
  const catalog = readFileSync(join(ROOT, "pnpm-workspace.yaml"), "utf8");
  const inside = Object.keys(dependencies)
    .filter((name) => name.startsWith("@downbeat/"))
    .map(
      (name) => readJson(join(ROOT, "packages", name.split("/")[1], "package.json")).dependencies,
    );
  const needed = [dependencies, ...inside].flatMap((it) => Object.keys(it));
  const elsewhere = needed.filter(
    (name) => !name.startsWith("@downbeat/") && !(name in peerDependencies),
  );
  return Object.fromEntries(
    [...new Set(elsewhere)].toSorted().map((name) => {
      const version = new RegExp(`^  "?${name}"?: (.*)$`, "m").exec(catalog)?.[1];
      return [name, `^${version}`];
    }),
  );
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function writeJson(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [, , command = "", folder] = process.argv;
  const run = commands[command];
  if (run === undefined || (command === "stage" && folder === undefined)) {
    console.error("Usage: node pack.mjs stage FOLDER | before | after");
    process.exit(2);
  }
  await run(folder);
}
