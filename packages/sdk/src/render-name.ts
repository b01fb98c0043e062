import { inspect } from "node:util";
import { log } from "./log.ts";
import { withoutSecrets } from "./secret.ts";

/** What one run of a task is called: a template such as `fetch {day}`, or a function of the arguments. */
export type RenderName<A extends readonly unknown[] = never[]> = string | ((...args: A) => string);

/** Renders the name of one call; undefined when the author's function throws, which is logged. */
export type NameRenderer = (args: readonly unknown[]) => string | undefined;

const PLACEHOLDER = /\{([\w$.]+)\}/g;

/**
 * How to render names. In a template `{day}` is the parameter of that name, else that property of the first argument;
 * `{0}` is the first argument; dots lead into objects. What cannot be found stays as it is written.
 */
export function nameRenderer(
  template: RenderName | undefined,
  { owner, fn }: { readonly owner: string; readonly fn: (...args: never[]) => unknown },
): NameRenderer | undefined {
  if (template === undefined) return undefined;
  const render = typeof template === "function" ? template : fill(template, parameterNames(fn));
  return (args) => {
    try {
      return withoutSecrets(String(Reflect.apply(render, undefined, args)));
    } catch (error) {
      log.warn(`renderName of ${owner} failed`, { error });
      return undefined;
    }
  };
}

function fill(template: string, names: readonly string[]): (...args: unknown[]) => string {
  return (...args) => {
    const [first] = args;
    const named: Record<string, unknown> = { ...(isObject(first) && first) };
    for (const [index, name] of names.entries()) named[name] = args[index];
    for (const [index, arg] of args.entries()) named[index] = arg;
    return template.replaceAll(PLACEHOLDER, (placeholder, path: string) => {
      const value = valueAt(named, path.split("."));
      return value === undefined ? placeholder : textOf(value);
    });
  };
}

const HEAD =
  /^(?:async\b\s*)?(?:function\b\s*)?\*?\s*[\w$]*\s*\(([^)]*)\)|^(?:async\s+)?([\w$]+)\s*=>/;
const IDENTIFIER = /^\s*([A-Za-z_$][\w$]*)\s*(?:=|$)/;

/** The plain names in a function's head; a parameter that is taken apart there has none. */
function parameterNames(fn: (...args: never[]) => unknown): readonly string[] {
  const [, list, single] = HEAD.exec(Function.prototype.toString.call(fn)) ?? [];
  return (list ?? single ?? "").split(",").map((part) => IDENTIFIER.exec(part)?.[1] ?? "");
}

function valueAt(start: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    start,
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 1, breakLength: Infinity });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
