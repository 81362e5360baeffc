import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createNetworkPair, type NetworkPair, whyNoNamespaces } from "../../support/netns.js";
import { repository, run } from "../../support/run.js";
import { type Figures, summarise } from "../measure.js";
import type { Capturing, Program } from "./programs.js";

/** What is sent in a round. */
export interface Load {
  /** Packets a second; 0 for flat out. */
  readonly rate: number;
  /** Of a frame. */
  readonly bytes: number;
  readonly packets: number;
}

/** How a program did; times in nanoseconds of processor time for each packet. */
export interface Result {
  /** In percent of what was sent in the rounds; what was lost while warming up, of packets that are easier to take, is in it. */
  readonly lost: number;
  /** What the first packets cost more than as many later ones: what it takes to get up to speed. */
  readonly warmUpMilliseconds: number;
  readonly offeredPerSecond: Figures;
  /** The most memory that the program that captures had, in MB. */
  readonly residentMegabytes: number;
  /** In the calls that send, in whose time the kernel's part of capturing runs. */
  readonly sender: Figures;
  /** Of the program that captures, all its threads, until it has worked off what came. */
  readonly consumer: Figures;
  /** Both. */
  readonly together: Figures;
}

/** A folder in memory, where there is one: a disk would be what is measured. */
export const MEMORY: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
/** Where writing costs nothing: what is measured is capturing alone. */
export const NOWHERE = "/dev/null";

/**
 * Sent twice to each program before what is measured, in packets that need little room: a recording that lasts spends most of its
 * time with code that is compiled, which takes V8 some five seconds of three hundred batches each.
 */
const WARM_UP: Load = { rate: 400_000, bytes: 64, packets: 1_600_000 };

const GENERATOR = [process.execPath, "--import", "tsx", join(repository, "test/support/traffic/generate.ts")];

/** Says what the figures were measured on; throws where it cannot be measured. */
export function describeMachine(): string {
  const reason = whyNoNamespaces();
  if (reason !== undefined) throw new Error(`this benchmark makes network namespaces: ${reason}`);
  const load = (loadavg()[0] ?? 0).toFixed(2);
  return `${cpus()[0]?.model}, ${cpus().length} processors, load ${load}, Node ${process.version}`;
}

/**
 * Measures the programs in turn, each in network namespaces of its own, so that a change of the machine's speed meets all of them
 * alike.
 *
 * @param target A folder for the files, or {@link NOWHERE}.
 */
export async function alternatePrograms(
  programs: readonly Program[],
  load: Load,
  { rounds, target }: { readonly rounds: number; readonly target: string },
): Promise<ReadonlyMap<Program, Result>> {
  const subjects: Subject[] = [];
  const removeAll = () => {
    for (const subject of subjects.splice(0)) subject.remove();
  };
  const interrupt = () => {
    removeAll();
    process.exit(130);
  };
  process.once("SIGINT", interrupt);
  try {
    for (const program of programs) subjects.push(await Subject.start(program, target));
    for (const subject of subjects) await subject.warmUp();
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) await subject.measure(load);
    }
    const results = new Map<Program, Result>();
    for (const subject of subjects) results.set(subject.program, await subject.finish());
    return results;
  } finally {
    process.off("SIGINT", interrupt);
    removeAll();
  }
}

interface Round {
  readonly sent: number;
  readonly seconds: number;
  readonly sendNanoseconds: number;
  /** Processor time of the program, nanoseconds. */
  readonly spent: number;
}

/** A program that captures in a place of its own. */
class Subject {
  readonly program: Program;
  readonly #pair: NetworkPair;
  readonly #folder: string | undefined;
  readonly #rounds: Round[] = [];
  #capture: Capturing | undefined;
  #sent = 0;
  #warmUpMilliseconds = 0;

  static async start(program: Program, target: string): Promise<Subject> {
    const subject = new Subject(program, target);
    try {
      await subject.#start();
    } catch (error) {
      subject.remove();
      throw error;
    }
    return subject;
  }

  private constructor(program: Program, target: string) {
    this.program = program;
    this.#pair = createNetworkPair();
    this.#folder = target === NOWHERE ? undefined : mkdtempSync(join(target, "flowscribe-bench-"));
  }

  async #start(): Promise<void> {
    const { receiver } = this.#pair;
    const within = [...pin(1), "ip", "netns", "exec", receiver.name];
    this.#capture = await this.program.start(within, receiver.device, this.#path);
  }

  get #path(): string {
    return this.#folder === undefined ? NOWHERE : join(this.#folder, "capture.pcap");
  }

  async warmUp(): Promise<void> {
    const first = await this.#send(WARM_UP);
    const second = await this.#send(WARM_UP);
    this.#warmUpMilliseconds = (first.spent - second.spent) / 1e6;
  }

  async measure(load: Load): Promise<void> {
    this.#rounds.push(await this.#send(load));
  }

  async #send(load: Load): Promise<Round> {
    const pid = this.#capture?.pid ?? 0;
    const { sender } = this.#pair;
    const before = processorNanoseconds(pid);
    const offered = generate([...pin(0), "ip", "netns", "exec", sender.name], sender.device, load);
    this.#sent += offered.sent;
    await settled(pid);
    const spent = processorNanoseconds(pid) - before;
    // Its pages are there for the next who writes: memory that nobody has touched yet costs several times what capturing does. The
    // programs write on behind the hole.
    if (this.#folder !== undefined) truncateSync(this.#path, 0);
    return { ...offered, spent };
  }

  async finish(): Promise<Result> {
    if (this.#capture === undefined) throw new Error("nothing was measured");
    const residentMegabytes = mostResident(this.#capture.pid);
    const { captured } = await this.#capture.stop();
    this.#capture = undefined;
    const rounds = this.#rounds;
    const measured = rounds.reduce((sum, { sent }) => sum + sent, 0);
    const lost = (this.#sent - captured) / measured;
    const kept = 1 - lost;
    const of = (value: (round: Round) => number) => summarise(rounds.map(value));
    return {
      lost: 100 * lost,
      warmUpMilliseconds: this.#warmUpMilliseconds,
      residentMegabytes,
      offeredPerSecond: of((round) => round.sent / round.seconds),
      sender: of(({ sendNanoseconds }) => sendNanoseconds),
      consumer: of((round) => round.spent / (kept * round.sent)),
      together: of((round) => round.sendNanoseconds + round.spent / (kept * round.sent)),
    };
  }

  /** Gives back all that it holds, whatever has happened. */
  remove(): void {
    try {
      if (this.#capture !== undefined) process.kill(this.#capture.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#pair.remove();
  }
}

type Offered = Omit<Round, "spent">;

function generate(within: readonly string[], device: string, { bytes, packets, rate }: Load): Offered {
  const [command = "", ...args] = [...within, ...GENERATOR, device, bytes, packets, rate].map(String);
  return JSON.parse(run(command, args));
}

/** Generator on one processor, the capturing programs on another, where there are two. */
function pin(processor: number): readonly string[] {
  return cpus().length > 1 ? ["taskset", "-c", String(processor)] : [];
}

function mostResident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
}

/** Processor time of all threads of a process, from the scheduler. */
function processorNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}

/** Waits until the process has worked off what it has. */
async function settled(pid: number): Promise<void> {
  for (let last = -1, now = processorNanoseconds(pid); now - last > 1_000_000; ) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    last = now;
    now = processorNanoseconds(pid);
  }
}
