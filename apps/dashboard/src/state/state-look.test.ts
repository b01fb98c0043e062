import { STATE_NAMES, STATE_TYPES, type StateName } from "@downbeat/contract";
import { describe, expect, test } from "vitest";
import { lookOf, lookOfType, runCan, stateWords } from "./state-look.ts";

const states = STATE_TYPES.flatMap((type) =>
  STATE_NAMES[type].map((name: StateName) => ({ type, name })),
);

describe("the look of states", () => {
  test("gives every type its own shape, so that they differ without colour", () => {
    const glyphs = STATE_TYPES.map((type) => lookOfType(type).glyph);
    expect(new Set(glyphs).size).toBe(STATE_TYPES.length);
  });

  test("never shows two names of one colour and one word alike", () => {
    const shown = states.map((state) => `${lookOf(state).glyph} ${stateWords(state.name)}`);
    expect(new Set(shown).size).toBe(states.length);
  });

  test("keeps failed and upstream-failed apart by shape", () => {
    expect(lookOf({ type: "FAILED", name: "UpstreamFailed" }).glyph).not.toBe(
      lookOf({ type: "FAILED", name: "Failed" }).glyph,
    );
  });

  test("shows a silent agent as a warning, although the run counts as running", () => {
    expect(lookOf({ type: "RUNNING", name: "Unreachable" }).tone).toBe("warn");
  });
});

test("only a run that is live and not being cancelled can be cancelled", () => {
  expect(STATE_TYPES.filter((type) => runCan.cancel(type))).toEqual([
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "PAUSED",
  ]);
});
