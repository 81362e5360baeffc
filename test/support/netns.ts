import { closeSync, existsSync, openSync } from "node:fs";
import { loadKoffi } from "../../src/source/native/koffi.js";
import { run } from "./run.js";

/** Two new network namespaces, joined by a veth pair: one end receives what the other one sends. */
export interface NetworkPair {
  readonly sender: Namespace;
  readonly receiver: Namespace;
  /** Removes both, and everything in them. */
  remove(): void;
}

/** A network namespace with one end of the pair. */
export interface Namespace {
  /** For `ip netns exec` and `ip -n`. */
  readonly name: string;
  /** Its end of the pair. */
  readonly device: string;
  readonly ipv4: string;
  /** Only where the pair was made with IPv6. */
  readonly ipv6: string;
  /** Runs `ip` in it. */
  ip(...args: string[]): void;
}

export interface NetworkPairOptions {
  /** Default false: only packets of the test are on the wire. */
  readonly ipv6?: boolean;
  readonly mtu?: number;
}

/** Why namespaces cannot be created here; undefined if they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.geteuid?.() !== 0) return "not running as root";
  return existsSync("/usr/sbin/ip") || existsSync("/sbin/ip") || existsSync("/usr/bin/ip")
    ? undefined
    : "not installed: ip";
}

let pairs = 0;

/** Creates a pair with unique names; the caller removes it. */
export function createNetworkPair({ ipv6 = false, mtu }: NetworkPairOptions = {}): NetworkPair {
  const prefix = `flowscribe-${process.pid}-${pairs++}`;
  const sender = createNamespace(`${prefix}-s`, "send0", "10.77.0.1", "fd00:77::1");
  const receiver = createNamespace(`${prefix}-r`, "recv0", "10.77.0.2", "fd00:77::2");
  const ends = [sender, receiver];
  const remove = () => {
    for (const { name } of ends) if (existsSync(`/run/netns/${name}`)) run("ip", ["netns", "del", name]);
  };
  try {
    for (const { name } of ends) run("ip", ["netns", "add", name]);
    const veth = ["link", "add", sender.device, "type", "veth", "peer", "name", receiver.device];
    run("ip", ["-n", sender.name, ...veth, "netns", receiver.name]);
    for (const end of ends) {
      if (!ipv6) run("ip", ["netns", "exec", end.name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
      if (mtu !== undefined) end.ip("link", "set", end.device, "mtu", String(mtu));
      end.ip("addr", "add", `${end.ipv4}/24`, "dev", end.device);
      if (ipv6) end.ip("addr", "add", `${end.ipv6}/64`, "dev", end.device, "nodad");
      end.ip("link", "set", "lo", "up");
      end.ip("link", "set", end.device, "up");
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { sender, receiver, remove };
}

function createNamespace(name: string, device: string, ipv4: string, ipv6: string): Namespace {
  return { name, device, ipv4, ipv6, ip: (...args) => void run("ip", ["-n", name, ...args]) };
}

const CLONE_NEWNET = 0x40000000;

/** Moves the main thread between network namespaces; the other threads of the process stay where they are. */
export interface NamespaceSwitch {
  /** Runs something, without waiting, in a namespace. */
  inside<T>({ name }: Namespace, action: () => T): T;
  /** Stays in a namespace. */
  enter({ name }: Namespace): void;
  /** Goes back to where the process was. */
  leave(): void;
}

export async function createNamespaceSwitch(): Promise<NamespaceSwitch> {
  const koffi = await loadKoffi();
  const setns = koffi.load(null).func("int setns(int, int)") as (descriptor: number, kind: number) => number;
  const home = openSync("/proc/thread-self/ns/net", "r");
  const go = (descriptor: number) => {
    if (setns(descriptor, CLONE_NEWNET) !== 0) throw new Error(`setns failed with ${koffi.errno()}`);
  };
  const enter = ({ name }: { readonly name: string }) => {
    const descriptor = openSync(`/run/netns/${name}`, "r");
    try {
      go(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
  return {
    enter,
    leave: () => go(home),
    inside: (namespace, action) => {
      const before = openSync("/proc/thread-self/ns/net", "r");
      enter(namespace);
      try {
        return action();
      } finally {
        go(before);
        closeSync(before);
      }
    },
  };
}
