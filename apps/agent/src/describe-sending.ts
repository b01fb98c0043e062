import { createHash, type Hash } from "node:crypto";
import type { Sending } from "@downbeat/client";
import {
  ROUTES,
  visitFields,
  type EgressEntry,
  type EgressField,
  type RouteSpec,
} from "@downbeat/contract";

export type Sent = Omit<EgressEntry, "previous">;

/** What a request carries, field by field, without any of it. */
export function describeSending({ route, input, request }: Sending, at: Date): Sent {
  const spec: RouteSpec = ROUTES[route];
  const meters = new Map<string, Meter>();
  const visit: Parameters<typeof visitFields>[2] = (path, boundary, value) =>
    meterFor(meters, path, boundary).add(textOf(value));
  for (const part of ["params", "query", "body"] as const) {
    const schema = spec[part];
    if (schema !== undefined) visitFields(schema, input[part], visit, part);
  }
  for (const [name, value] of Object.entries(request.headers))
    visit(`header.${name}`, "plain", value);
  const body = request.body ?? "";
  return {
    at: at.toISOString(),
    route,
    method: request.method,
    path: spec.path,
    bytes: Buffer.byteLength(body),
    sha256: createHash("sha256").update(body).digest("hex"),
    fields: [...meters.values()].map((meter) => meter.field()),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Adds up the values of one field in one request. */
class Meter {
  readonly #path: string;
  readonly #boundary: EgressField["boundary"];
  readonly #hash: Hash | undefined;
  #count = 0;
  #bytes = 0;

  constructor(path: string, boundary: EgressField["boundary"]) {
    this.#path = path;
    this.#boundary = boundary;
    // A hash of plain values would say nothing that the hash of the body does not.
    this.#hash = boundary === "plain" ? undefined : createHash("sha256");
  }

  add(text: string): void {
    this.#count += 1;
    this.#bytes += Buffer.byteLength(text);
    this.#hash?.update(text).update("\n");
  }

  field(): EgressField {
    const hash = this.#hash?.digest("hex");
    const counts = { count: this.#count, bytes: this.#bytes };
    return {
      path: this.#path,
      boundary: this.#boundary,
      ...counts,
      ...(hash !== undefined && { sha256: hash }),
    };
  }
}

function meterFor(meters: Map<string, Meter>, path: string, boundary: string): Meter {
  const known = meters.get(path);
  if (known !== undefined) return known;
  // Nothing local is in any request; were it, it should stand out.
  const shown = boundary === "plain" || boundary === "sealed" ? boundary : "unlabelled";
  const made = new Meter(path, shown);
  meters.set(path, made);
  return made;
}
