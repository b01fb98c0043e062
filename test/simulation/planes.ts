import type { HistoryLog } from "@downbeat/testkit/history";
import type { Asked, Plane, Request } from "./plane.ts";
import type { Random } from "./random.ts";

type Parts = {
  readonly planes: readonly [Plane, ...Plane[]];
  readonly random: Random;
  readonly log: HistoryLog;
};

/** The API's processes over one store, behind a balancer that knows which of them are up. */
export class Planes {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether anybody answers. */
  get isUp(): boolean {
    return this.#parts.planes.some(({ isUp }) => isUp);
  }

  start(): void {
    for (const plane of this.#parts.planes) this.#start(plane);
  }

  /** Ends one of them that is up; returns how to start it again. */
  takeOneDown(): (() => void) | undefined {
    const { random, log } = this.#parts;
    const [first, ...others] = this.#up();
    if (first === undefined) return undefined;
    const plane = random.pick([first, ...others]);
    plane.stop();
    if (!this.isUp) log.event("plane", "plane", "down");
    return () => this.#start(plane);
  }

  /** Takes a request that has reached the balancer; one of them is up. */
  handle<Op extends Asked>(request: Request<Op>): void {
    const [first, ...others] = this.#up();
    if (first !== undefined) this.#parts.random.pick([first, ...others]).handle(request);
  }

  #up(): Plane[] {
    return this.#parts.planes.filter(({ isUp }) => isUp);
  }

  #start(plane: Plane): void {
    const wasUp = this.isUp;
    plane.start();
    if (!wasUp) this.#parts.log.event("plane", "plane", "up");
  }
}
