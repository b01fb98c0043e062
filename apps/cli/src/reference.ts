import type { Argument, Command, Option } from "commander";
import { EXIT, errorCodesOf, type ExitName } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";

/** The command reference, docs/cli.md, made from the command tree so that it cannot drift from it. */
export function renderReference(): string {
  const program = buildProgram("");
  return (
    [
      "# The `downbeat` command",
      "<!-- Made from the command tree by apps/cli/src/reference.ts; a test checks that it is current. -->",
      CONVENTIONS,
      exitCodeTable(),
      "## Options of every command",
      optionList(program.options.filter((option) => option.long !== "--version")),
      ...leaves(program).map(commandSection),
    ].join("\n\n") + "\n"
  );
}

const CONVENTIONS = `Data goes to stdout, everything said about it to stderr. With \`--json\` data is JSON: one document, or one document
a line for commands that stream; errors are then \`{"error": {code, message, remedy, issues?, requestId?}}\` on stderr. Codes
are those of [errors.md](errors.md). \`NO_COLOR\` and pipes turn colours off. Questions are asked on a terminal only, never
with \`--no-input\` or in CI.

Keys and tokens are never flags: process lists and shell histories would show them. Credentials come from
\`DOWNBEAT_API_URL\` and \`DOWNBEAT_API_KEY\`, or from a profile: \`DOWNBEAT_PROFILE_FILE\`, else \`profile.json\` in
\`DOWNBEAT_HOME\` (default \`.downbeat\`), else \`~/.config/downbeat/profile.json\`. The workspace key comes from
\`DOWNBEAT_KEY\` (the keyset itself), else \`DOWNBEAT_KEY_FILE\`, else the profile. What is sealed is opened on this machine, never by the API.

Runs are named by id, by any unique beginning of it (six characters or more), or as \`@last\`.`;

function exitCodeTable(): string {
  const rows = (Object.keys(EXIT) as ExitName[]).map((name) => {
    const codes = errorCodesOf(name).map((code) => `\`${code}\``);
    const errors = name === "failed" ? "every other code" : codes.join(", ");
    return `| ${EXIT[name].code} | ${EXIT[name].meaning} | ${errors} |`;
  });
  return ["## Exit codes", "", "| exit | meaning | error codes |", "|---|---|---|", ...rows].join(
    "\n",
  );
}

/** Commands that do something, in order; groups such as `runs` only hold others. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function commandSection(command: Command): string {
  const parts = [
    `## ${pathOf(command)}`,
    `${capitalised(command.description())}.`,
    `\`\`\`\n${[pathOf(command), command.usage()]
      .join(" ")
      .replace("[options] ", command.options.length > 0 ? "[options] " : "")
      .trim()}\n\`\`\``,
    argumentList(command.registeredArguments),
    optionList(command.options),
    helpAfter(command),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function argumentList(args: readonly Argument[]): string {
  return args.map((argument) => `- \`${argument.name()}\`: ${argument.description}`).join("\n");
}

function optionList(options: readonly Option[]): string {
  return options
    .map((option) => `- \`${option.flags}\`: ${option.description}${extras(option)}`)
    .join("\n");
}

function extras({ argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? "" : ` (${argChoices.join(", ")})`;
  const isShown = typeof defaultValue === "string" || typeof defaultValue === "number";
  return `${choices}${isShown ? `; default \`${defaultValue}\`` : ""}`;
}

/** What stands below a command's options in its help. */
function helpAfter(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (written) => (text += written) });
  command.outputHelp();
  const after = text
    .slice(text.indexOf(command.helpInformation()) + command.helpInformation().length)
    .trim();
  return after === "" ? "" : `\`\`\`text\n${after}\n\`\`\``;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
