/**
 * Something that happens once, and who is told. Held requests have two of these each; an AbortController with its
 * signal and AbortSignal.any would take 6 kB more for every one.
 */
export class Happening {
  #hasHappened = false;
  #listener: (() => void) | undefined;

  get hasHappened(): boolean {
    return this.#hasHappened;
  }

  happen(): void {
    if (this.#hasHappened) return;
    this.#hasHappened = true;
    this.#listener?.();
    this.#listener = undefined;
  }

  /** Tells one listener, in place of the one before; at once when it has happened already. */
  tell(listener: () => void): void {
    if (this.#hasHappened) listener();
    else this.#listener = listener;
  }

  /** Tells nobody. */
  forget(): void {
    this.#listener = undefined;
  }
}
