import { Day, LOG_LEVELS, type StateType, STATE_TYPES } from "@downbeat/contract";
import { z } from "zod";
import type { LogLevel } from "./log/log-rows.ts";

/** Every route of the page. Links are made from these and from nothing else. */
export const paths = {
  home: "/",
  runs: "/runs",
  run: "/runs/$runId",
} as const;

/** The filters of the runs list, as they stand in the address: shareable, kept by back and reload. */
export type RunsSearch = {
  /** State types, comma-separated, in the order of the contract. */
  readonly state?: string | undefined;
  readonly flow?: string | undefined;
  /** The day (UTC) on which the runs were made. */
  readonly day?: string | undefined;
  readonly cursor?: string | undefined;
};

const Text = z.string().min(1).max(200).optional().catch(undefined);

const RunsSearchParams = z.object({
  state: z
    .string()
    .transform((text) => joinStates(splitStates(text)))
    .optional()
    .catch(undefined),
  // A flow may be called "2024" or "true", which the router reads from the address as a number and a boolean.
  flow: z.preprocess(scalarText, Text),
  day: Day.optional().catch(undefined),
  cursor: z.preprocess(scalarText, Text),
});

function scalarText(value: unknown): unknown {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

/**
 * Reads the filters from an address someone may have typed: what makes no sense is dropped, the rest holds. What is dropped
 * is there as undefined: the router keeps of an address whatever is absent here.
 */
export function parseRunsSearch(search: Record<string, unknown>): RunsSearch {
  const { state, flow, day, cursor } = RunsSearchParams.parse(search);
  return { state, flow, day, cursor };
}

export function splitStates(state: string | undefined): StateType[] {
  const asked = new Set(state?.split(",").map((type) => type.trim().toUpperCase()));
  return STATE_TYPES.filter((type) => asked.has(type));
}

/** The filter for these state types; undefined, so absent from the address, when there are none. */
export function joinStates(types: readonly StateType[]): string | undefined {
  const chosen = STATE_TYPES.filter((type) => types.includes(type));
  return chosen.length === 0 ? undefined : chosen.join(",");
}

/** Adds the state type to the filter, or takes it out. Paging starts over: a cursor belongs to one filter. */
export function toggleState(search: RunsSearch, type: StateType): RunsSearch {
  const { cursor: _, state, ...rest } = search;
  const types = splitStates(state);
  const next = joinStates(
    types.includes(type) ? types.filter((one) => one !== type) : [...types, type],
  );
  return { ...rest, ...(next !== undefined && { state: next }) };
}

/** Chooses the day, or no longer if it is the chosen one. Paging starts over. */
export function toggleDay(search: RunsSearch, day: string): RunsSearch {
  const { cursor: _, day: chosen, ...rest } = search;
  return chosen === day ? rest : { ...rest, day };
}

/** Whether anything but the place in the list is chosen. */
export function isFiltered({ state, flow, day }: RunsSearch): boolean {
  return state !== undefined || flow !== undefined || day !== undefined;
}

/** What the page of a run keeps in its address. Never text to search for: that could be customer data. */
export type RunSearch = { readonly level?: LogLevel | undefined };

/** The lowest log level shown, unless the address names another. */
export const DEFAULT_LOG_LEVEL = "debug";

const Level = z.enum(LOG_LEVELS).optional().catch(undefined);

export function parseRunSearch(search: Record<string, unknown>): RunSearch {
  const level = Level.parse(search["level"]);
  return { level: level === DEFAULT_LOG_LEVEL ? undefined : level };
}
