import { z } from "zod";
import { plain } from "./boundary.ts";
import {
  LONGEST_NAME,
  LONGEST_TAG,
  MOST_TAGS,
  NAME_PATTERN,
  NAME_RULE,
  isWellFormed,
  TEXT_PATTERN,
  TEXT_RULE,
} from "./name-pattern.ts";
import { INSTANT_RULE, isKeptInstant } from "./kept-instant.ts";

// Nine digits: the database keeps 32 bits, and what counts a page on can be read by its form alone.
const LARGEST = 999_999_999;

/**
 * Identifiers are UUIDs; those the server makes are version 7, so they sort by time and choose their partition. Some systems
 * write them in capitals: that is the same id, and everything compares it as text.
 */
export const Id = plain(z.uuid().toLowerCase());
export type Id = z.infer<typeof Id>;

/** Names of flows, tasks, deployments, pools, queues: static text chosen by the author, seen by the hosted plane. */
export const Name = plain(z.string().min(1).max(LONGEST_NAME).regex(NAME_PATTERN, NAME_RULE));
export type Name = z.infer<typeof Name>;

/** Text that the database keeps as it is. */
export function text(min: number, max: number): z.ZodString {
  return z
    .string()
    .min(min)
    .max(max)
    .regex(TEXT_PATTERN, TEXT_RULE)
    .refine(isWellFormed, TEXT_RULE);
}

export const Instant = plain(z.iso.datetime({ offset: true }).refine(isKeptInstant, INSTANT_RULE));
export const Count = plain(z.int().min(0).max(LARGEST));
/** Counts what has no bound, as the turns of a loop have none. */
export const LongCount = plain(z.int().min(0));
/** What a process ended with, where it says so. */
export const ExitCode = plain(z.int32());
export const Flag = plain(z.boolean());

/** A static label. Never rendered from parameters: those would be customer data. */
export const Tag = plain(text(1, LONGEST_TAG));
/** The labels of a flow, a run or a task. */
export const Tags = z.array(Tag).max(MOST_TAGS);

/** The class of an error is an identifier, so it can carry no message. */
export const ErrorClass = plain(z.string().regex(/^[A-Za-z_$][\w$.]{0,63}$/));

/** HMAC-SHA-256 under a customer key: shows equality and nothing else. */
export const BlindTag = plain(z.string().regex(/^[\w-]{43}$/));

/** An agent's word that an attempt has logged nothing: the id of its data key, and an HMAC-SHA-256 under a key derived from that. */
export const EmptyLogTag = plain(z.string().regex(/^[0-9a-f-]{36}\.[\w-]{43}$/));

export const Cursor = plain(text(1, 200));

/** The key that fences a lease: 128 random bits, hexadecimal. */
export const LeaseToken = plain(z.string().regex(/^[0-9a-f]{32}$/));

/** The attempt number that fences: rises with each claim of a run. */
export const Epoch = plain(z.int().min(0).max(LARGEST));
