import type { Asked, Protocol, Reply } from "./plane.ts";
import type { Planes } from "./planes.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** How often what goes wrong, as probabilities; `slowMs` is the longest delay of a slow message. */
export type Weather = {
  readonly loseRequest: number;
  readonly loseReply: number;
  readonly duplicate: number;
  readonly slow: number;
  readonly slowMs: number;
  /** Whether the plane notices that a caller is gone. */
  readonly seesHangUp: number;
};

export const FAIR: Weather = {
  loseRequest: 0,
  loseReply: 0,
  duplicate: 0,
  slow: 0,
  slowMs: 0,
  seesHangUp: 1,
};

/** `lost`: no answer came, and nobody knows whether the request had its effect. */
export type Ending<Op extends Asked> = Reply<Op> | { readonly lost: true };

export type Call<Op extends Asked> = {
  readonly from: string;
  readonly op: Op;
  readonly input: Protocol[Op][0];
  readonly timeoutMs: number;
  readonly done: (ending: Ending<Op>) => void;
};

const USUAL_DELAY_MS = 40;
const REFUSED_AFTER_MS = 5;

/** Carries requests to the plane and answers back; loses, delays, doubles and so reorders them. */
export class Network {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #planes: Planes;
  readonly #cut = new Set<string>();
  weather: Weather = FAIR;

  constructor(parts: { timeline: Timeline; random: Random; planes: Planes }) {
    this.#timeline = parts.timeline;
    this.#random = parts.random;
    this.#planes = parts.planes;
  }

  /** Cuts somebody off, both ways. */
  cut(name: string): void {
    this.#cut.add(name);
  }

  join(name: string): void {
    this.#cut.delete(name);
  }

  /** Sends a request; `done` is called once. Returns how to hang up. */
  call<Op extends Asked>(call: Call<Op>): () => void {
    let isOpen = true;
    const end = (ending: Ending<Op>): void => {
      if (!isOpen) return;
      isOpen = false;
      cancelTimeout();
      call.done(ending);
    };
    const lose = (): void => end({ lost: true });
    const cancelTimeout = this.#timeline.after(call.timeoutMs, lose);
    const isNoticed = this.#random.chance(this.weather.seesHangUp);
    const hasHungUp = (): boolean => !isOpen && isNoticed;
    this.#send(call, { end, lose, hasHungUp });
    if (this.#random.chance(this.weather.duplicate))
      this.#send(call, { end: () => {}, lose: () => {}, hasHungUp });
    return () => {
      isOpen = false;
      cancelTimeout();
    };
  }

  #send<Op extends Asked>(call: Call<Op>, to: Receiver<Op>): void {
    const { from, op, input } = call;
    if (this.#random.chance(this.weather.loseRequest)) return this.#loseLoudly(to);
    this.#timeline.after(this.#delayMs(), () => {
      // A cut is silent; a plane that is down refuses at once.
      if (this.#cut.has(from)) return;
      if (!this.#planes.isUp) return void this.#timeline.after(REFUSED_AFTER_MS, to.lose);
      const reply = (answer: Reply<Op>): void => this.#answer(from, answer, to);
      this.#planes.handle({ from, op, input, reply, hasHungUp: to.hasHungUp });
    });
  }

  #answer<Op extends Asked>(from: string, answer: Reply<Op>, to: Receiver<Op>): void {
    if (this.#random.chance(this.weather.loseReply)) return this.#loseLoudly(to);
    this.#timeline.after(this.#delayMs(), () => {
      if (!this.#cut.has(from)) to.end(answer);
    });
  }

  // A reset connection is noticed; a silent one runs into the timeout.
  #loseLoudly<Op extends Asked>(to: Receiver<Op>): void {
    if (this.#random.chance(0.7)) this.#timeline.after(this.#delayMs(), to.lose);
  }

  #delayMs(): number {
    const isSlow = this.#random.chance(this.weather.slow);
    return this.#random.between(1, isSlow ? this.weather.slowMs : USUAL_DELAY_MS);
  }
}

type Receiver<Op extends Asked> = {
  readonly end: (ending: Ending<Op>) => void;
  readonly lose: () => void;
  readonly hasHungUp: () => boolean;
};
