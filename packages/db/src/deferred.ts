export type Deferred = { readonly promise: Promise<void>; readonly resolve: () => void };

/** A promise that is resolved from outside. */
export function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
