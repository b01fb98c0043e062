import { type Boundary, fieldsOf, ROUTES, type RouteSpec } from "@downbeat/contract";

type Row = {
  readonly path: string;
  readonly boundary: Boundary | "unlabelled";
  readonly note: string;
};

const DIRECTIONS = ["params", "query", "body", "response"] as const;

/** `docs/data-boundary.md`: every field of every route, with who may see it. */
export function renderDataBoundary(): string {
  const routes = Object.values(ROUTES) as RouteSpec[];
  return `# The data boundary

Made from the labels in \`packages/contract\` by \`pnpm docs:write\`; a test fails when the two differ, and another when
a field carries no label.

Each field that crosses the wire is **plain** (the hosted plane reads it) or **sealed** (end-to-end encrypted; only
holders of the workspace key read it, and plaintext in its place is refused). One field is **transit**: sealed too, but a
deployment may let callers send it in clear ([host-transit](sealing.md#parameters-in-clear-host-transit)); off unless it says so. Of a sealed field the [header](sealing.md#a-sealed-blob) is in clear: ids,
the deployment's name, numbers, and the trace that a run goes on in. What is in no table below stays on your
machines: results, secrets, environment, source code, file paths.

## Everything that is sealed

${list(fieldsLabelled(routes, "sealed"))}

## What a deployment may let pass in clear

Sealed by every caller of ours, and refused in clear unless the deployment is registered with \`hostTransit\`. If it is, the hosted
plane sees what a caller sends in clear, in the memory of that request; it seals it before it writes, queues or logs anything, and the
run says so.

${list(fieldsLabelled(routes, "transit"))}

## Every route

${routes.map(section).join("\n\n")}
`;
}

function fieldsLabelled(routes: readonly RouteSpec[], boundary: Boundary): string[] {
  return routes.flatMap((route) =>
    rowsOf(route)
      .filter((row) => row.boundary === boundary)
      .map((row) => `\`${route.method} ${route.path}\` · \`${row.path}\``),
  );
}

function section(route: RouteSpec): string {
  const rows = rowsOf(route).map((it) => `| \`${it.path}\` | ${it.boundary} | ${it.note} |`);
  const table = ["| field | who sees it | note |", "|---|---|---|", ...rows].join("\n");
  const fields = rows.length === 0 ? "No fields." : table;
  const perLine =
    route.lines === undefined ? "" : " Body and answer are lines; these are the fields of one.";
  return `### ${route.method} ${route.path}\n\n${route.summary}.${perLine}\n\n${fields}`;
}

function rowsOf(route: RouteSpec): Row[] {
  const rows = DIRECTIONS.flatMap((direction) => {
    const schema = route[direction];
    return schema === undefined ? [] : fieldsOf(schema, direction);
  }).map(({ path, label }) => ({
    path,
    boundary: label?.boundary ?? ("unlabelled" as const),
    note: label?.note ?? "",
  }));
  // The branches of a union repeat their common fields.
  return [...new Map(rows.map((it) => [`${it.path} ${it.boundary}`, it])).values()];
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}
