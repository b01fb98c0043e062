import { createHook } from "node:async_hooks";

const TIMER = /^(Timeout|Immediate)$/;
// Each ends with one callback: a file read, a look-up, a connection.
const REQUEST =
  /^(FSREQ|GETADDRINFO|GETNAMEINFO|QUERYWRAP|TCPCONNECTWRAP|PIPECONNECTWRAP|WRITEWRAP|SHUTDOWNWRAP)/;
// These live on when nothing happens on them: an idle connection must not hold time up for good. Nor must a digest that
// was made at once, of which Node tells no end.
const HANDLE =
  /^(TCPWRAP|TLSWRAP|PIPEWRAP|UDPWRAP|PROCESSWRAP|WORKER|ZLIB|HTTP2SESSION|PBKDF2REQUEST|SCRYPTREQUEST|KEYPAIRGENREQUEST)/;
const HANDLE_QUIET_MS = 1_000;
// A connection from before (a pool's) is nobody's in particular; a reply on it mostly comes within this.
const SOCKET = /^(TCPSocketWrap|TLSWrap)$/;
const SOCKET_QUIET_MS = 30;
// So much of the time between two looks counts as quiet: a process that was not let run has not heard anything either.
const LONGEST_LOOK_MS = 2;

type Started = { readonly type: string; readonly hasRef: () => boolean };

/** Knows what some code has started that only real time brings to an end: reads, replies, timers of its own. */
export class PendingWork {
  readonly #started = new Map<number, Started>();
  readonly #hook: ReturnType<typeof createHook>;
  #quietMs = 0;
  #lastLookMs = performance.now();

  /** @param isStarter Whether the code that runs now is the code in question. */
  constructor(isStarter: () => boolean) {
    this.#hook = createHook({
      init: (id, type, _, resource: { hasRef?: () => boolean }) => {
        const isKept = TIMER.test(type) || REQUEST.test(type) || HANDLE.test(type);
        if (!isKept || !isStarter()) return;
        this.#started.set(id, { type, hasRef: () => resource.hasRef?.() ?? true });
        this.mark();
      },
      before: (id) => {
        if (this.#started.has(id)) this.mark();
      },
      after: (id) => {
        if (REQUEST.test(this.#started.get(id)?.type ?? "")) this.#started.delete(id);
      },
      destroy: (id) => {
        if (this.#started.delete(id)) this.mark();
      },
    }).enable();
  }

  /** What is under way, for messages. */
  kinds(): string[] {
    return [...this.#started.values()].filter((it) => it.hasRef()).map(({ type }) => type);
  }

  isAny(): boolean {
    const nowMs = performance.now();
    this.#quietMs += Math.min(nowMs - this.#lastLookMs, LONGEST_LOOK_MS);
    this.#lastLookMs = nowMs;
    const kinds = this.kinds();
    if (kinds.some((kind) => !HANDLE.test(kind))) return true;
    if (kinds.length > 0 && this.#quietMs < HANDLE_QUIET_MS) return true;
    if (this.#quietMs >= SOCKET_QUIET_MS) return false;
    return process.getActiveResourcesInfo().some((kind) => SOCKET.test(kind));
  }

  /** Something has happened: whatever that set going is given its moment. */
  mark(): void {
    this.#quietMs = 0;
  }

  stop(): void {
    this.#hook.disable();
  }
}
