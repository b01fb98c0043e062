import type { ResolveHook } from "node:module";

const STAND_IN = new URL("./jose-without-encryption.js", import.meta.url).href;

/** Gives the packages of this repository the stand-in for jose; the stand-in itself gets the real one. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier === "jose" && context.parentURL !== STAND_IN)
    return { url: STAND_IN, format: "module", shortCircuit: true };
  return next(specifier, context);
};
