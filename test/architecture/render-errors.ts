import { type ErrorCode, type ErrorEntry, ERRORS } from "@downbeat/contract";

/** `docs/errors.md`, made from the catalogue in `packages/contract/src/error-catalogue.ts` and nothing else. */
export function renderErrors(): string {
  const entries = Object.entries(ERRORS) as [ErrorCode, ErrorEntry][];
  const answers = entries.filter(([, entry]) => entry.status > 0);
  const local = entries.filter(([, entry]) => entry.status === 0);
  return `# Errors

Made from \`packages/contract/src/error-catalogue.ts\` by \`pnpm docs:write\`; a test fails when the two differ.

Every error has a code. The API answers with JSON: \`code\`, \`message\` (what failed, with the value at fault),
\`remedy\`, \`requestId\`, and for invalid input \`issues\`, a list of \`{ path, message }\`. SDK, client and command line
throw a \`DownbeatError\` with the same fields.

"Again" says whether the very same request may succeed later.

## Answered by the API

| code | status | again | what happened | what to do |
|---|---|---|---|---|
${answers.map(([code, it]) => row(code, String(it.status), again(it), it.message, it.remedy)).join("\n")}

## Raised on your side

These never travel: the SDK, the agent, the command line or a server that does not start raises them.

| code | again | what happened | what to do |
|---|---|---|---|
${local.map(([code, it]) => row(code, again(it), it.message, it.remedy)).join("\n")}
`;
}

function row(code: string, ...cells: string[]): string {
  return `| ${[`\`${code}\``, ...cells.map((cell) => cell.replaceAll("|", "\\|"))].join(" | ")} |`;
}

function again(entry: ErrorEntry): string {
  return entry.retryable ? "yes" : "no";
}
