export * from "./backoff.ts";
export * from "./decide-transitions.ts";
export * from "./describe-waiting.ts";
export * from "./plan-retention.ts";
export * from "./retry-after.ts";
export * from "./share-out.ts";
export * from "./transition-rules.ts";
export * from "./waiting-facts.ts";
export { WAITING_REASONS } from "./waiting-reasons.ts";
