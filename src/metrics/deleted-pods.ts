/** How long series of a pod stay after the pod is reported deleted, as in Hubble: a last scrape still gets them. */
export const POD_SERIES_MS = 60_000;

/** Maximum number of deleted pods whose series still stay. */
const MAX_DELETED_PODS = 65_536;

const NONE: ReadonlySet<string> = new Set();

/**
 * Pods whose series are to be removed. Time passes when somebody looks: at each event and each scrape, so that no timer keeps the
 * process running.
 */
export class DeletedPods {
  /** When the series of each pod, as `namespace/name`, are removed, in milliseconds since 1970. In the order of reports. */
  readonly #dueMs = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Adds a pod. One that is reported again keeps its time.
   *
   * @returns The pods whose series are to be removed now: all that wait, if they are as many as the limit.
   */
  add(namespace: string, name: string): ReadonlySet<string> {
    const pod = `${namespace}/${name}`;
    if (this.#dueMs.has(pod)) return NONE;
    let removed = NONE;
    if (this.#dueMs.size >= MAX_DELETED_PODS) {
      // All at once: each removal goes through all series.
      removed = new Set(this.#dueMs.keys());
      this.#dueMs.clear();
    }
    this.#dueMs.set(pod, this.#now() + POD_SERIES_MS);
    return removed;
  }

  /** Whether any pod waits. Cheap, for each event. */
  get isEmpty(): boolean {
    return this.#dueMs.size === 0;
  }

  /** Removes and returns the pods whose series are due. */
  takeDue(): ReadonlySet<string> {
    const now = this.#now();
    const due = new Set<string>();
    for (const [pod, dueMs] of this.#dueMs) {
      // The order of reports is that of the times, unless the clock was set back.
      if (dueMs > now) break;
      due.add(pod);
      this.#dueMs.delete(pod);
    }
    return due;
  }
}
