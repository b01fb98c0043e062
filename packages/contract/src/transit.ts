import { z } from "zod";
import { labelTransit } from "./boundary.ts";
import { refuseUnsealed, type Sealed } from "./sealed.ts";

/** Parameters in clear, which only a deployment with `hostTransit` takes. Never written, logged or queued. */
export type ClearParameters = Readonly<Record<string, unknown>> & {
  readonly __clear: "parameters";
};

/**
 * The schema of parameters that are sealed, or, for a deployment with `hostTransit`, a JSON object in clear. Which
 * deployment it is the schema cannot know: whoever takes an object has to ask, and to seal it at once. Anything else is
 * refused as `sealed("parameters")` refuses it. As an input it is typed as sealed alone: no client of ours sends an object.
 */
export function sealedOrClear(): z.ZodType<
  Sealed<"parameters"> | ClearParameters,
  Sealed<"parameters">
> {
  const schema = z.unknown().superRefine((value, issues) => {
    if (value === undefined) return issues.addIssue({ code: "custom", message: "is missing" });
    const refusal = isObject(value) ? undefined : refuseUnsealed(value, "parameters");
    if (refusal === undefined) return;
    issues.addIssue({ code: "custom", message: refusal, params: { code: "plaintext_refused" } });
  });
  schema.register(z.globalRegistry, {
    description:
      'Compact JWE (kind "parameters"), sealed by the caller. A deployment with `hostTransit` also takes a JSON object in clear, which the API seals on arrival; for any other it is refused.',
    anyOf: [
      { type: "string", format: "sealed-parameters" },
      { type: "object", format: "host-transit" },
    ],
  });
  return labelTransit(
    schema as unknown as z.ZodType<Sealed<"parameters"> | ClearParameters, Sealed<"parameters">>,
    "parameters",
  );
}

/** Tells parameters in clear from sealed ones. */
export function areClear(
  parameters: Sealed<"parameters"> | ClearParameters | null,
): parameters is ClearParameters {
  return isObject(parameters);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
