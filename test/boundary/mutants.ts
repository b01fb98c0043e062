import { pathToFileURL } from "node:url";
import { join } from "node:path";
import type { SealedKind } from "@downbeat/contract";

type Edit = { readonly file: string; readonly find: string; readonly replace: string };

/** A way in which somebody could break the boundary by mistake, made on purpose. */
export type Mutant = {
  readonly name: string;
  /** The markers that must be found on the wire. */
  readonly leaks: readonly string[];
  readonly edits: readonly Edit[];
};

/** The environment in which a process runs as this mutant. */
export function environmentOf({ edits }: Mutant): Record<string, string> {
  const loader = pathToFileURL(join(import.meta.dirname, "mutant-loader.mjs")).href;
  return { NODE_OPTIONS: `--import ${loader}`, BOUNDARY_MUTANT: JSON.stringify(edits) };
}

/** What is sealed is also written, disguised, into the header, which is in clear. */
export function leakInHeader(kind: SealedKind, disguise: keyof typeof DISGUISES): Edit[] {
  const note = `header.kind === "${kind}" ? { ...header, note: ${DISGUISES[disguise]} } : header`;
  return [
    {
      file: "/packages/seal/dist/seal.js",
      find: ".setProtectedHeader(header)",
      replace: `.setProtectedHeader(${note})`,
    },
    importing("/packages/seal/dist/seal.js", ["deflateRawSync", "node:zlib"]),
  ];
}

const DISGUISES = {
  raw: "Buffer.from(plaintext).toString()",
  hex: 'Buffer.from(plaintext).toString("hex")',
  base64: 'Buffer.from(plaintext).toString("base64")',
  deflated: 'deflateRawSync(plaintext).toString("base64url")',
  utf16: 'Buffer.from(Buffer.from(plaintext).toString(), "utf16le").toString("latin1")',
} as const;

/** Nothing is sealed at all. */
export function leakUnsealed(kind: SealedKind): Edit[] {
  const file = "/packages/seal/dist/seal.js";
  const plain = `if (header.kind === "${kind}") return Buffer.from(plaintext).toString();`;
  return [
    {
      file,
      find: "async function encrypt(",
      replace: `async function encrypt(...args) { const [plaintext, header] = args; ${plain} return sealedAsEver(...args); }\nasync function sealedAsEver(`,
    },
  ];
}

/** Something that should never leave the machine goes along as an HTTP header of every call. */
export function leakInCall(expression: string): Edit[] {
  const file = "/packages/client/dist/caller.js";
  const note = `"x-note": Buffer.from(${expression}).toString("base64")`;
  return [
    {
      file,
      find: 'accept: "application/json"',
      replace: `accept: "application/json", ${note}`,
    },
    importing(file, ["readFileSync", "node:fs"]),
  ];
}

/** A deployment is checked before it is sent, and so refused on the spot; this forgets that as well. */
export const SENDS_UNCHECKED: Edit = {
  file: "/packages/sdk/dist/deploy/deployment-spec.js",
  find: "const whole = checked(spec, dep);",
  replace: "const whole = spec;",
};

function importing(file: string, [name, from]: readonly [string, string]): Edit {
  return { file, find: "import ", replace: `import { ${name} } from "${from}";\nimport ` };
}
