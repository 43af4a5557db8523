/** The page's side of a worker: jobs wait in line, and one that is given up is over at once. */

import type { Watch } from "../codec/boxes.js";
import { SkoshError } from "../errors.js";
import { settings } from "../settings.js";
import { launch } from "./launch.js";
import { received, type Answer, type Order } from "./protocol.js";

interface Waiting {
  readonly id: number;
  readonly job: string;
  readonly argument: unknown;
  readonly progress: Watch["progress"];
  readonly part: (value: never) => void;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  over: boolean; // nobody waits for the answer any more
}

/** A worker, started with its first job. */
export class Client {
  private worker: Worker | undefined;
  private queue: Waiting[] = [];
  private current: Waiting | undefined;
  private last = 0;

  constructor(private readonly start: () => Worker = launch) {}

  /**
   * Has the worker do a job, after those before it.
   *
   * `argument` is copied. `part`: called with what comes before the result. Throws what the job throws, the signal's
   * reason once it is aborted, and SkoshError where the worker fails.
   */
  async run<Result, Part = never>(
    job: string,
    argument: unknown,
    { signal, progress }: Watch = {},
    part: (value: Part) => void = () => undefined,
  ): Promise<Result> {
    signal?.throwIfAborted();
    let waiting: Waiting | undefined;
    const aborted = (): void => this.giveUp(waiting as Waiting, signal?.reason);
    try {
      return await new Promise<Result>((resolve, reject) => {
        waiting = { id: ++this.last, job, argument, progress, part, resolve, reject, over: false };
        signal?.addEventListener("abort", aborted, { once: true });
        this.queue.push(waiting);
        this.next();
      });
    } finally {
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** Ends the worker, which frees its memory, and refuses what waits. The next job starts another one. */
  end(error: Error = new SkoshError("the worker was ended")): void {
    this.worker?.terminate();
    this.worker = undefined;
    const left = [...(this.current ? [this.current] : []), ...this.queue];
    this.current = undefined;
    this.queue = [];
    left.forEach((waiting) => this.finish(waiting, () => waiting.reject(error)));
  }

  private giveUp(waiting: Waiting, reason: unknown): void {
    this.queue = this.queue.filter((one) => one !== waiting);
    this.finish(waiting, () => waiting.reject(reason));
    if (this.current === waiting) {
      this.send({ kind: "abort", id: waiting.id }); // the next job waits until the worker has stopped
    }
  }

  private finish(waiting: Waiting, end: () => void): void {
    if (!waiting.over) {
      waiting.over = true;
      end();
    }
  }

  private next(): void {
    if (this.current) {
      return;
    }
    const current = (this.current = this.queue.shift());
    if (!current) {
      return;
    }
    try {
      this.send({ kind: "job", id: current.id, job: current.job, argument: current.argument });
    } catch (error) {
      this.current = undefined; // no worker, or an argument that can't be copied
      this.finish(current, () => current.reject(error));
      this.next();
    }
  }

  private send(order: Order): void {
    if (!this.worker) {
      this.worker = this.start();
      this.worker.onmessage = ({ data }: MessageEvent<Answer>) => this.take(data);
      this.worker.onerror = (event) => this.end(new SkoshError(failure(event)));
      this.worker.onmessageerror = () => this.end(new SkoshError("the worker's answer can't be read"));
      const { models: _, ...others } = settings(); // the page has made an address of it
      this.worker.postMessage({ kind: "settings", settings: others } satisfies Order);
    }
    this.worker.postMessage(order);
  }

  private take(answer: Answer): void {
    const { current } = this;
    if (!current || answer.id !== current.id) {
      return;
    }
    if (answer.kind === "progress") {
      if (!current.over) {
        current.progress?.(answer.stage, answer.share);
      }
    } else if (answer.kind === "part") {
      if (!current.over) {
        current.part(answer.value as never);
      }
    } else {
      this.current = undefined;
      this.finish(current, () =>
        answer.kind === "result" ? current.resolve(answer.value as never) : current.reject(received(answer.error)),
      );
      this.next();
    }
  }
}

/** The page's worker. */
export const client = new Client();

function failure({ message }: ErrorEvent): string {
  return message ? `the worker failed: ${message}` : "the worker can't be started: is worker.js beside skosh.js?";
}
