import { DownbeatError, isDownbeatError, type Lease, type RunInput } from "@downbeat/contract";
import { isSealError } from "@downbeat/seal";
import { digestOf, verifyStatement, type TrustedSigners } from "@downbeat/seal/node";

export type SignedInputsOptions = {
  /** Whose inputs count. */
  readonly signers: TrustedSigners;
  readonly workspaceId: string;
  /** Remembers the first statement of a pause point, by digest; resolves with that one. Absent: in memory. */
  readonly firstOf?: (given: StatedInput) => Promise<string>;
  /** Is told of what is not signed as it should be, which then counts all the same. Absent: it does not count. */
  readonly onTolerated?: ((runId: string, refused: RefusedInput) => void) | undefined;
};

/** The digest of the statement that a pause point of a run was given. */
export type StatedInput = {
  readonly runId: string;
  readonly point: string;
  readonly digest: string;
};

/** An input that does not count, and why, in a sentence. */
export type RefusedInput = Pick<RunInput, "key" | "givenAt"> & { readonly why: string };

const MOST_REMEMBERED = 100_000;

/** Why what nobody gave does not count. */
export const UNSIGNED = "It is not signed.";

/** What the plane says that a run's pause points were given. */
export type ScreenedInputs = {
  readonly counted: readonly RunInput[];
  /** Points that were given nothing, by nobody: they count where the flow goes on without input once its time is up. */
  readonly lapsed: readonly RunInput[];
  readonly refused: readonly RefusedInput[];
};

/** Lets only those inputs count that a listed key has signed, as they are, for this pause point of this run. */
export class SignedInputs {
  readonly #options: SignedInputsOptions;
  readonly #first = new Map<string, string>();

  constructor(options: SignedInputsOptions) {
    this.#options = options;
  }

  /** Sorts what a lease brings. Never rejects. */
  async screen(runId: string, inputs: readonly RunInput[]): Promise<ScreenedInputs> {
    const { onTolerated } = this.#options;
    const lapsed = onTolerated === undefined ? inputs.filter(isNobodys) : [];
    const given = inputs.filter((one) => !lapsed.includes(one));
    const refusals = await Promise.all(given.map((one) => this.refusalOf(runId, one)));
    return {
      counted: given.filter((_, at) => refusals[at] === undefined),
      lapsed,
      refused: given.flatMap(({ key, givenAt }, at) => {
        const why = refusals[at];
        return why === undefined ? [] : { key, givenAt, why };
      }),
    };
  }

  /** Why an input does not count; undefined when it does. Never rejects. */
  async refusalOf(runId: string, given: RunInput): Promise<string | undefined> {
    try {
      await this.#check(runId, given);
      return undefined;
    } catch (error) {
      const { key, givenAt } = given;
      const why = wordsOf(error);
      const { onTolerated } = this.#options;
      onTolerated?.(runId, { key, givenAt, why });
      return onTolerated === undefined ? why : undefined;
    }
  }

  async #check(runId: string, { key, input, signature }: RunInput): Promise<void> {
    if (signature === null) throw refused(UNSIGNED);
    const { signers, workspaceId } = this.#options;
    const stated = await verifyStatement("input", signature, signers);
    const inputDigest = input === null ? null : digestOf(input);
    requireEqual(stated, { ws: workspaceId, run: runId, point: key, input: inputDigest });
    const given = { runId, point: key, digest: digestOf(signature) };
    const first = await (this.#options.firstOf?.(given) ?? this.#remember(given));
    if (first !== given.digest)
      throw refused(`The pause point "${key}" was given another input before, which stands.`);
  }

  #remember({ runId, point, digest }: StatedInput): string {
    const name = `${runId} ${point}`;
    const first = this.#first.get(name);
    if (first !== undefined) return first;
    if (this.#first.size >= MOST_REMEMBERED) this.#first.clear();
    this.#first.set(name, digest);
    return digest;
  }
}

/** Sorts what a lease brings; without signatures asked for, all of it counts. */
export async function screenInputs(
  signedInputs: Pick<SignedInputs, "screen"> | undefined,
  { runId, inputs }: Pick<Lease, "runId" | "inputs">,
): Promise<ScreenedInputs> {
  if (signedInputs === undefined) return { counted: inputs, lapsed: [], refused: [] };
  return signedInputs.screen(runId, inputs);
}

/** Given by no person: what the engine says of a point at which nobody gave anything in time. */
export function isNobodys({ input, signature }: RunInput): boolean {
  return input === null && signature === null;
}

function requireEqual(
  stated: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, string | null>>,
): void {
  for (const [field, value] of Object.entries(expected)) {
    if (stated[field] === value) continue;
    const [said, given] = [JSON.stringify(stated[field]), JSON.stringify(value)];
    throw refused(`What is signed states ${field} ${said}, but the plane gave ${given}.`);
  }
}

function wordsOf(error: unknown): string {
  const isKnown = isSealError(error) || isDownbeatError(error);
  // What cannot be checked does not count either.
  return isKnown ? error.message : `Its signature could not be checked: ${String(error)}.`;
}

function refused(message: string): DownbeatError {
  return new DownbeatError("signature_refused", { message });
}
