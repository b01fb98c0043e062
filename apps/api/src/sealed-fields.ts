import { boundaryOf, readSealedHeader, type ErrorIssue } from "@downbeat/contract";
import { z } from "zod";

type Visit = (path: string, text: string) => void;
type Walk = (value: unknown, path: string, visit: Visit) => void;

/** Finds every sealed text in a parsed value; made once per schema. Undefined when the schema has no sealed field. */
export function sealedFieldsOf(schema: z.ZodType): Walk | undefined {
  const boundary = boundaryOf(schema)?.boundary;
  if (boundary === "sealed" || boundary === "transit") return visitText;
  if (schema instanceof z.ZodObject) return walkObject(schema.shape as Record<string, z.ZodType>);
  if (schema instanceof z.ZodArray) return walkArray(schema.element as z.ZodType);
  if (schema instanceof z.ZodUnion) return walkUnion(schema.options as z.ZodType[]);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    return sealedFieldsOf(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return sealedFieldsOf(schema.out as z.ZodType);
  return undefined;
}

/** Names the sealed fields that were sealed for another workspace: they would never open here. */
export function findForeignSeals(walk: Walk, value: unknown, workspaceId: string): ErrorIssue[] {
  const issues: ErrorIssue[] = [];
  walk(value, "", (path, text) => {
    const ws = readSealedHeader(text)?.ws;
    if (ws === workspaceId) return;
    issues.push({
      path,
      message: `is sealed for the workspace ${String(ws)}, not for this one (${workspaceId})`,
    });
  });
  return issues;
}

function visitText(value: unknown, path: string, visit: Visit): void {
  if (typeof value === "string") visit(path, value);
}

function walkObject(shape: Record<string, z.ZodType>): Walk | undefined {
  const fields = Object.entries(shape).flatMap(([name, field]) => {
    const walk = sealedFieldsOf(field);
    return walk === undefined ? [] : [{ name, walk }];
  });
  if (fields.length === 0) return undefined;
  return (value, path, visit) => {
    if (typeof value !== "object" || value === null) return;
    for (const { name, walk } of fields) {
      const field = (value as Record<string, unknown>)[name];
      if (field === null || field === undefined) continue;
      walk(field, path === "" ? name : `${path}.${name}`, visit);
    }
  };
}

function walkArray(element: z.ZodType): Walk | undefined {
  const walk = sealedFieldsOf(element);
  if (walk === undefined) return undefined;
  return (value, path, visit) => {
    if (!Array.isArray(value)) return;
    value.forEach((item, index) => walk(item, `${path}.${index}`, visit));
  };
}

// A value fits one option; a field of the same name is sealed in every option that has it, or in none (a test holds this).
function walkUnion(options: readonly z.ZodType[]): Walk | undefined {
  const walks = options.map(sealedFieldsOf).filter((walk) => walk !== undefined);
  if (walks.length === 0) return undefined;
  return (value, path, visit) => {
    const seen = new Set<string>();
    for (const walk of walks) {
      walk(value, path, (found, text) => {
        if (!seen.has(found)) visit(found, text);
        seen.add(found);
      });
    }
  };
}
