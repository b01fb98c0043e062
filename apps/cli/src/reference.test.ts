import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildProgram } from "./program.ts";
import { renderReference } from "./reference.ts";

const page = fileURLToPath(new URL("../../../docs/cli.md", import.meta.url));

describe("docs/cli.md", () => {
  it("is what the command tree says (vitest --update rewrites it)", async () => {
    await expect(renderReference()).toMatchFileSnapshot(page);
  });
});

describe("the command tree", () => {
  it("describes every command and every option", () => {
    const commands = buildProgram("").commands.flatMap((command) => [command, ...command.commands]);
    expect(commands.length).toBeGreaterThan(20);
    const described = commands.flatMap((command) => [
      [command.name(), command.description()],
      ...command.options.map((option) => [`${command.name()} ${option.flags}`, option.description]),
    ]);
    expect(described.filter(([, description]) => description === "")).toEqual([]);
  });

  it("takes no key, token or secret as an option", () => {
    const flags = buildProgram("")
      .commands.flatMap((command) => [command, ...command.commands])
      .flatMap((command) => command.options.map((option) => option.flags));
    // An idempotency key and the id of a public key are no secrets.
    expect(flags.filter((flag) => /token|secret|api-key|password|key/.test(flag))).toEqual([
      "--key-id <id>",
      "--idempotency-key <uuid>",
    ]);
  });
});
