import type { Claim, ClaimedRuns, InWorkspace } from "@downbeat/db";
import { Happening } from "../happening.ts";
import { WaitList, type Wait, type WaitOptions } from "../wait-list.ts";

/** Passed on from waiter to waiter until somebody takes the work or everybody has looked. */
export type Baton = { tries: number };

/** What wakes a waiter up. */
export type Wake = {
  readonly baton: Baton;
  /**
   * Set if the work was only being committed: begins a transaction that follows that commit. Who is woken while it looks
   * comes late, and gets one like any other.
   */
  readonly behind?: InWorkspace;
  /** Set if a run is being made for this very claim: what has come of it. Never rejects. */
  readonly given?: Promise<ClaimedRuns>;
};

/** A claim that waits and can be given a run as it is made. */
export type StandingClaim = {
  readonly claim: Claim;
  /** Wakes it, to be told what it has got. To be called before anything is awaited. */
  readonly give: (given: Promise<ClaimedRuns>) => void;
};

/** An open claim of a session. */
export type Hold = {
  readonly sessionId: string;
  readonly claimRequestId: string;
  /** Happens when the claim is to be answered at once, with nothing. */
  readonly ending: Happening;
};

// A session that is forgotten looks once more.
const MOST_IDLE = 20_000;

/** Hears what concerns those who wait in other processes: see {@link ClaimDesk.hear}. */
export type TellNews = (text: string, count?: number) => void;

/**
 * Where claims wait for work. Waiters stand in line per pool. News of n runs wakes the first n; a woken one that gets
 * nothing (its queues differ, or it is full) passes the news on, so a thousand idle agents cost one look and not a
 * thousand, and no run waits because the wrong agent was woken. A session has one open claim; a second ends the first.
 */
export class ClaimDesk {
  readonly #line = new WaitList<Wake, Claim>();
  readonly #holds = new Map<string, Hold>();
  /** Pools in which a claim left runs because a limit was full. */
  readonly #limitedPools = new Set<string>();
  /** How often there was news of a pool. */
  readonly #news = new Map<string, number>();
  /** Sessions that found nothing due in their pool, and how much news of it there had been by then. */
  readonly #idle = new Map<string, number>();
  readonly #tell: TellNews;
  #closed = false;

  /** @param tell Default: this is the only process. */
  constructor(tell: TellNews = () => {}) {
    this.#tell = tell;
  }

  /** Pools that somebody waits for. */
  get poolIds(): string[] {
    return this.#line.keys;
  }

  open(sessionId: string, claimRequestId: string): Hold {
    this.#holds.get(sessionId)?.ending.happen();
    const hold = { sessionId, claimRequestId, ending: new Happening() };
    if (this.#closed) hold.ending.happen();
    this.#holds.set(sessionId, hold);
    return hold;
  }

  done(hold: Hold): void {
    if (this.#holds.get(hold.sessionId) === hold) this.#holds.delete(hold.sessionId);
  }

  /** Whether a newer claim repeats this one and so will be given the same leases. */
  isRepeated(hold: Hold): boolean {
    const newest = this.#holds.get(hold.sessionId);
    return newest !== undefined && newest !== hold && newest.claimRequestId === hold.claimRequestId;
  }

  beginWait(poolId: string, options: WaitOptions): Wait<Wake, Claim> {
    return this.#line.begin(poolId, options);
  }

  /** Tells everybody that so many runs of the pool became claimable: those who wait here first, then other processes. */
  announce(poolId: string, runs: number): void {
    const elsewhere = runs - this.#line.count(poolId);
    this.announceHere(poolId, runs);
    if (elsewhere > 0) this.#tell(`work ${poolId}`, elsewhere);
  }

  /** As {@link announce}, for what every process finds out by itself. */
  announceHere(poolId: string, runs: number): void {
    this.#news.set(poolId, this.newsOf(poolId) + 1);
    const waiting = this.#line.count(poolId);
    if (waiting === 0) return;
    const woken = Math.min(runs, waiting);
    const baton: Baton = { tries: waiting - woken };
    this.#line.wake(poolId, { baton }, woken);
  }

  /**
   * Wakes the first in line before the work is committed, to look for it in a transaction that follows that commit.
   * Returns whether somebody waited. It is announced all the same, once it is committed: to one less.
   */
  announceAhead(poolId: string, behind: InWorkspace): boolean {
    const baton: Baton = { tries: this.#line.count(poolId) - 1 };
    return this.#line.wake(poolId, { baton, behind }, 1) > 0;
  }

  /** The claim that would be the first to hear of a run. As with {@link announceAhead}, the run is announced once it is committed, to one less. */
  firstStanding(poolId: string): StandingClaim | undefined {
    const first = this.#line.firstStanding(poolId);
    if (first === undefined) return undefined;
    const baton: Baton = { tries: this.#line.count(poolId) - 1 };
    return { claim: first.ready, give: (given) => first.wake({ baton, given }) };
  }

  /** How often there was news of the pool: read before a look, given to {@link noteIdle} after it. */
  newsOf(poolId: string): number {
    return this.#news.get(poolId) ?? 0;
  }

  /** Notes that a session looked, knowing of so much news, and nothing at all was due in its pool. */
  noteIdle(sessionId: string, news: number): void {
    this.#idle.delete(sessionId); // so that it goes to the end: the front is the oldest
    this.#idle.set(sessionId, news);
    const [oldest] = this.#idle.keys();
    if (this.#idle.size > MOST_IDLE && oldest !== undefined) this.#idle.delete(oldest);
  }

  /**
   * Whether a look of the session would find nothing: there has been no news of the pool since its last one did. What
   * other processes make, and what becomes due, is news within a second (the engine's poll).
   */
  isIdle(sessionId: string, poolId: string): boolean {
    return this.#idle.get(sessionId) === this.newsOf(poolId);
  }

  /** Notes that runs of the pool wait for a slot of some limit. */
  limitReached(poolId: string): void {
    this.#limitedPools.add(poolId);
  }

  /** Tells pools that wait for slots that some may have become free; a limit may span pools. */
  announceFreedSlots(): void {
    this.#announceFreedSlotsHere();
    this.#tell("slots");
  }

  #announceFreedSlotsHere(): void {
    for (const poolId of this.#limitedPools) {
      this.#limitedPools.delete(poolId); // a claim that still finds it full notes it again
      this.announceHere(poolId, 1);
    }
  }

  /** Hands the news to the next in line, until everybody who waited when it came has looked. */
  passOn(poolId: string, baton: Baton): void {
    if (baton.tries <= 0) return;
    baton.tries -= 1;
    this.#line.wake(poolId, { baton }, 1);
  }

  /** Answers the session's open claim at once, with nothing: its agent then asks by heartbeat what is up. */
  endHold(sessionId: string): void {
    if (!this.#endHoldHere(sessionId)) this.#tell(`hold ${sessionId}`);
  }

  #endHoldHere(sessionId: string): boolean {
    this.#idle.delete(sessionId);
    const hold = this.#holds.get(sessionId);
    hold?.ending.happen();
    return hold !== undefined;
  }

  /** Takes what the desk of another process told. */
  hear(text: string, count: number): void {
    const [topic, id = ""] = text.split(" ");
    if (topic === "work") this.announceHere(id, count);
    else if (topic === "hold") this.#endHoldHere(id);
    else if (topic === "slots") this.#announceFreedSlotsHere();
  }

  /** Answers every open claim with nothing; later ones are not held. */
  close(): void {
    this.#closed = true;
    for (const { ending } of this.#holds.values()) ending.happen();
  }
}
