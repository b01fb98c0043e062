import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { DownbeatError } from "@downbeat/contract";
import { coerceParameters } from "./coerce-parameters.ts";
import type { SchemaNode } from "./schema-node.ts";

export type ParameterOptions = {
  /** `-p name=value`, repeated. */
  readonly param?: readonly string[] | undefined;
  /** `--params @file`, `--params -` for stdin, or the JSON itself. */
  readonly params?: string | undefined;
};

/** The parameters given on the command line; single ones win over those of `--params`. */
export async function readParameters(
  options: ParameterOptions,
  schema: SchemaNode | null,
): Promise<Record<string, unknown>> {
  const whole = options.params === undefined ? {} : await readJsonObject(options.params);
  return { ...whole, ...coerceParameters(options.param ?? [], schema) };
}

async function readJsonObject(source: string): Promise<Record<string, unknown>> {
  const text = await readSource(source);
  const value = parse(text, source);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new DownbeatError("usage_invalid", {
    message: `--params ${nameOf(source)} must hold a JSON object.`,
  });
}

async function readSource(source: string): Promise<string> {
  if (source === "-") return readAll(process.stdin);
  if (!source.startsWith("@")) return source;
  try {
    return await readFile(source.slice(1), "utf8");
  } catch (cause) {
    throw new DownbeatError("usage_invalid", {
      message: `The file of --params ${source} cannot be read.`,
      cause,
    });
  }
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(withoutByteOrderMark(text));
  } catch (cause) {
    throw new DownbeatError("usage_invalid", {
      message: `--params ${nameOf(source)} is not valid JSON.`,
      cause,
    });
  }
}

// Editors and shells of Windows put one before a file.
function withoutByteOrderMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function nameOf(source: string): string {
  return source === "-" || source.startsWith("@") ? source : "(given inline)";
}
