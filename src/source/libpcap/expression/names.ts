import { lookup as dnsLookup } from "node:dns/promises";
import { type Token, TYPE_KEYWORDS } from "./tokens.js";

/** Resolves a host name to addresses, as `lookup` of node:dns/promises. */
export type Lookup = (
  name: string,
  options: { readonly all: true; readonly family: 0 | 4 | 6 },
) => Promise<readonly { readonly address: string }[]>;

/** Maximum number of host names in one expression. */
export const MAX_HOST_NAMES = 64;
/** Maximum time for resolving all names of an expression, in milliseconds. */
export const LOOKUP_TIMEOUT_MS = 5000;

/** A host name in an expression. */
interface HostName {
  readonly token: Token;
  readonly name: string;
  readonly family: 0 | 4 | 6;
}

/** Protocols whose `host` is an IP address, and the address family of each. */
const FAMILIES: Readonly<Partial<Record<string, 0 | 4 | 6>>> = { "": 0, ip: 4, arp: 4, rarp: 4, ip6: 6 };
const DIRECTIONS: ReadonlySet<string> = new Set(["src", "dst"]);
const CONNECTIVES: ReadonlySet<string> = new Set(["and", "or", "&&", "||"]);
const SEPARATORS: ReadonlySet<string> = new Set([...CONNECTIVES, "not", "!", "(", ")"]);

/**
 * Replaces host names by their addresses. libpcap would resolve them itself and block the compiling thread until the
 * name server answers.
 *
 * @returns The unchanged text if it contains no host names.
 * @throws Error for a name without an address, and for network and gateway names.
 */
export async function replaceHostNames(
  text: string,
  tokens: readonly Token[],
  lookup: Lookup = dnsLookup,
): Promise<string> {
  const names = findHostNames(tokens);
  if (names.length === 0) return text;
  const distinct = new Map(names.map((name) => [keyOf(name), name]));
  if (distinct.size > MAX_HOST_NAMES) {
    throw new Error(
      `it has ${distinct.size} host names, ${MAX_HOST_NAMES} are the limit: write addresses instead`,
    );
  }
  const addresses = await resolveAll(distinct, lookup);
  let replaced = "";
  let end = 0;
  for (const name of names) {
    replaced += `${text.slice(end, name.token.start)}${addresses.get(keyOf(name)) ?? name.token.text}`;
    end = name.token.end;
  }
  return replaced + text.slice(end);
}

function keyOf({ name, family }: HostName): string {
  return `${name} ${family}`;
}

function findHostNames(tokens: readonly Token[]): HostName[] {
  const names: HostName[] = [];
  let protocol = "";
  let type = "";
  let hasQualifier = false;
  tokens.forEach((token, index) => {
    const { kind, text } = token;
    if (kind === "word" && !SEPARATORS.has(text)) {
      if (startsPrimitive(tokens, index)) {
        protocol = "";
        type = "";
        hasQualifier = true;
      }
      if (TYPE_KEYWORDS.has(text)) type = text;
      else if (!DIRECTIONS.has(text)) protocol = text;
      return;
    }
    // A name without a qualifier is a syntax error. After a protocol without IP addresses it is not a host name.
    const family = FAMILIES[protocol];
    if (kind !== "name" || !hasQualifier || family === undefined) return;
    const name = text.replace(/^\\/, "");
    if (type === "net" || type === "gateway") {
      throw new Error(
        `${type} ${name}: names of networks and gateways are not supported, write addresses instead`,
      );
    }
    if (type === "host" || type === "") names.push({ token, name, family });
  });
  return names;
}

/** Whether the qualifiers before this token belong to another primitive; `src or dst host` is a single one. */
function startsPrimitive(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  if (before === undefined || before.kind !== "word") return true;
  if (!SEPARATORS.has(before.text)) return false;
  const isJoined = DIRECTIONS.has(tokens[index]!.text) && DIRECTIONS.has(tokens[index - 2]?.text ?? "");
  return !(isJoined && CONNECTIVES.has(before.text));
}

/** Returns pcap-filter text for the addresses of each name. */
async function resolveAll(
  names: ReadonlyMap<string, HostName>,
  lookup: Lookup,
): Promise<ReadonlyMap<string, string>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const list = [...new Set([...names.values()].map(({ name }) => name))].join(", ");
      reject(
        new Error(
          `no name server has answered for ${list} within ${LOOKUP_TIMEOUT_MS / 1000} s: write addresses instead`,
        ),
      );
    }, LOOKUP_TIMEOUT_MS);
  });
  try {
    const entries = [...names].map(async ([key, name]) => [key, await resolveOne(name, lookup)] as const);
    return new Map(await Promise.race([Promise.all(entries), timeout]));
  } finally {
    clearTimeout(timer);
  }
}

async function resolveOne({ name, family }: HostName, lookup: Lookup): Promise<string> {
  let found: Awaited<ReturnType<Lookup>>;
  try {
    found = await lookup(name, { all: true, family });
  } catch (cause) {
    throw new Error(`the host name ${name} cannot be resolved: correct it, or write the address instead`, {
      cause,
    });
  }
  // Skip scoped addresses, as packets do not contain them.
  const addresses = [...new Set(found.map(({ address }) => address))].filter(
    (address) => !address.includes("%"),
  );
  if (addresses.length === 0) throw new Error(`the host name ${name} has no address`);
  return addresses.length === 1 ? addresses[0]! : `(${addresses.join(" or ")})`;
}
