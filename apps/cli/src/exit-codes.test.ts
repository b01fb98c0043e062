import { ERRORS, isErrorCode, type ErrorCode } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { EXIT, errorCodesOf, exitCodeOf, type ExitName } from "./exit-codes.ts";

describe("exitCodeOf", () => {
  it.each<[ErrorCode, number]>([
    ["parameters_invalid", 2],
    ["credentials_invalid", 4],
    ["profile_missing", 4],
    ["flow_not_found", 5],
    ["unreachable", 6],
    ["key_wrong", 7],
    ["wait_timed_out", 124],
    ["run_failed", 1],
    ["internal", 1],
  ])("maps %s to %i", (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
  });

  it("gives every error of the catalogue a failing exit code", () => {
    for (const code of Object.keys(ERRORS))
      expect(isErrorCode(code) && exitCodeOf(code)).toBeGreaterThan(0);
  });
});

describe("errorCodesOf", () => {
  it("lists no code twice", () => {
    const all = (Object.keys(EXIT) as ExitName[]).flatMap(errorCodesOf);
    expect(new Set(all).size).toBe(all.length);
  });
});
