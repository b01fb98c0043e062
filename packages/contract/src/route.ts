import type { z } from "zod";
import type { Role } from "./workspace.ts";

/**
 * Who may call a route: everyone (`public`), an agent's or a standalone session's token (`agent`), or an API key of at
 * least this role. Everything but `public` happens inside the workspace of the credentials.
 */
export type Access = "public" | "agent" | Role;

export type RouteSpec = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `:name` placeholders. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: readonly Access[];
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  /** Status of success, 200 unless named. */
  readonly status?: 200 | 201;
  /**
   * Body and answer are lines of JSON (NDJSON), as many as the caller likes, and `body` and `response` are the schemas of one
   * line each. Lines are answered in order while more are being read. An answer that cannot go on ends with a `LastLine`.
   */
  readonly lines?: {
    /** Fields of a line's body: with any of them it is safe to send the line again, whatever became of it. */
    readonly repeatableWith: readonly string[];
  };
};

/** Media type of the body and the answer of a route of lines. */
export const LINES_MEDIA_TYPE = "application/x-ndjson";

/** Keeps the literal types of a route, from which client and handlers get theirs. */
export function route<const R extends RouteSpec>(spec: R): R {
  return spec;
}

type Part<R, K extends string, Mode extends "in" | "out"> = R extends { readonly [P in K]: infer S }
  ? S extends z.ZodType
    ? Mode extends "in"
      ? undefined extends z.input<S>
        ? { [P in K]?: z.input<S> }
        : { [P in K]: z.input<S> }
      : { [P in K]: z.output<S> }
    : unknown
  : unknown;

/** What a caller passes: `{ params, query, body }`, as far as the route has them. */
export type RouteInput<R extends RouteSpec> = Part<R, "params", "in"> &
  Part<R, "query", "in"> &
  Part<R, "body", "in">;

/** What a handler receives after validation. */
export type RouteRequest<R extends RouteSpec> = Part<R, "params", "out"> &
  Part<R, "query", "out"> &
  Part<R, "body", "out">;

export type RouteResponse<R extends RouteSpec> = z.output<R["response"]>;
/** What a handler returns before the response schema fills in defaults. */
export type RouteReply<R extends RouteSpec> = z.input<R["response"]>;
