import { FlowscribeError } from "../../errors/errors.js";
import { parseBool } from "../../go/strconv/parse-bool.js";
import { parseUint } from "../../go/strconv/parse-integer.js";
import { parseDuration } from "../../go/time/duration.js";
import type { ValuesOf } from "../../observer/flags/flag-values.js";
import { parseTarget } from "../../rpc/target.js";
import { UsageError } from "../error-text.js";
import { CLIENT_FLAGS } from "../flags/client-flags.js";
import type { Io } from "../io/io.js";
import type { PortForwardOptions } from "./port-forward.js";

/** How to connect to a server, and timeouts. */
export interface ServerOptions {
  /** The address as given. With `portForward`, `openServer` replaces it. */
  readonly address: string;
  /** The port of Relay to forward first; undefined to connect to the address. */
  readonly portForward: PortForwardOptions | undefined;
  readonly timeoutMs: number;
  /** How long to wait for an answer, and the flag that says so. */
  readonly requestTimeout: { readonly ms: number; readonly flag: "--timeout" | "--request-timeout" };
  /** Undefined for the default of `openTransport`; 0 for no pings. */
  readonly pingIntervalMs: number | undefined;
  /** Undefined without TLS. */
  readonly tls: ServerTlsFiles | undefined;
  readonly basicAuth: { readonly username: string; readonly password: string } | undefined;
}

export interface ServerTlsFiles {
  readonly caCertFiles: readonly string[];
  readonly clientCertFile: string | undefined;
  readonly clientKeyFile: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
}

export type ServerFlagValues = ValuesOf<typeof CLIENT_FLAGS>;

/** As in the Hubble CLI. */
const DEFAULT_TIMEOUT_MS = 5000;

/**
 * Reads the server options from flags and environment; undefined if no server is given. A flag takes precedence over
 * the environment, where an empty string counts as unset.
 *
 * @param defaultAddress The server to use if none is given.
 * @throws UsageError for invalid options, such as TLS flags for a server without TLS.
 */
export function readServerOptions(
  flags: ServerFlagValues,
  { env }: Pick<Io, "env">,
  defaultAddress?: string,
): ServerOptions | undefined {
  const values = { ...fromEnvironment(env), ...flags };
  const { timeout: timeoutMs = DEFAULT_TIMEOUT_MS, keepalive } = values;
  const portForward = wantsPortForward(flags, values) ? readPortForward(values) : undefined;
  const { server: given = defaultAddress } = values;
  const address = portForward === undefined ? given : `127.0.0.1:${portForward.localPort}`;
  if (address === undefined) {
    refuseGiven(flags, CONNECTION_FLAGS, "needs --server");
    return undefined;
  }
  const secure = values.tls === true || isSecure(address);
  if (!secure) refuseGiven(flags, TLS_FLAGS, "needs --tls, or an address that begins with tls://");
  checkTimeout("--timeout", timeoutMs);
  return {
    address,
    portForward,
    timeoutMs,
    requestTimeout: readRequestTimeout(values, timeoutMs),
    pingIntervalMs: readKeepalive(keepalive),
    tls: secure ? readTls(values) : undefined,
    basicAuth: readBasicAuth(values),
  };
}

/** Whether to reach Relay with kubectl. A flag takes precedence over the environment. */
function wantsPortForward(flags: ServerFlagValues, values: ServerFlagValues): boolean {
  if (flags.server === undefined) return values["port-forward"] === true;
  if (flags["port-forward"] === true) throw new UsageError("cannot set both --server and --port-forward");
  return false;
}

/** Relay's port of its service `hubble-relay`, in Cilium's Helm chart. */
const SERVICE_PORT = 80;
const TLS_SERVICE_PORT = 443;

function readPortForward(values: ServerFlagValues): PortForwardOptions {
  return {
    localPort: values["port-forward-port"] ?? 4245,
    servicePort: values.tls === true ? TLS_SERVICE_PORT : SERVICE_PORT,
    namespace: values["kube-namespace"] ?? "kube-system",
    context: values["kube-context"],
    kubeconfig: values.kubeconfig,
  };
}

function readRequestTimeout(values: ServerFlagValues, timeoutMs: number): ServerOptions["requestTimeout"] {
  const ms = values["request-timeout"];
  if (ms === undefined) return { ms: timeoutMs, flag: "--timeout" };
  checkTimeout("--request-timeout", ms);
  return { ms, flag: "--request-timeout" };
}

/** The maximum delay of a timer; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function checkTimeout(flag: string, ms: number): void {
  if (ms <= 0) throw new UsageError(`${flag} must be above 0`);
  if (ms > MAX_TIMER_MS) throw new UsageError(`${flag} must not be above 24 days`);
}

/** Rounds up to integer milliseconds, so that a value below 1 ms does not become 0, which disables the pings. */
function readKeepalive(keepalive: number | undefined): number | undefined {
  if (keepalive === undefined) return undefined;
  if (keepalive < 0) throw new UsageError("--keepalive must not be below 0");
  if (keepalive > MAX_TIMER_MS) throw new UsageError("--keepalive must not be above 24 days");
  return Math.ceil(keepalive);
}

/** Flags that say how a port is forwarded. As in Hubble, they have no effect without `--port-forward`. */
export const PORT_FORWARD_FLAGS = [
  "port-forward-port",
  "kube-context",
  "kube-namespace",
  "kubeconfig",
] as const satisfies readonly (keyof ServerFlagValues)[];

const CONNECTION_FLAGS = CLIENT_FLAGS.filter(
  ({ name }) => !PORT_FORWARD_FLAGS.some((other) => other === name),
);

/** Flags that apply only with TLS. (`false` counts as not set.) */
const TLS_FLAGS = CLIENT_FLAGS.filter(({ name }) => name.startsWith("tls-"));

function refuseGiven(flags: ServerFlagValues, of: readonly { readonly name: string }[], why: string): void {
  const given = of.find(({ name }) => name in flags && flags[name as keyof ServerFlagValues] !== false);
  if (given !== undefined) throw new UsageError(`--${given.name} ${why}`);
}

function isSecure(address: string): boolean {
  try {
    const target = parseTarget(address);
    return target.kind === "tcp" && target.tls;
  } catch (error) {
    if (error instanceof FlowscribeError) throw new UsageError(error.message);
    throw error;
  }
}

function readTls(values: ServerFlagValues): ServerTlsFiles {
  const clientCertFile = values["tls-client-cert-file"];
  const clientKeyFile = values["tls-client-key-file"];
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
    throw new UsageError("--tls-client-cert-file and --tls-client-key-file need each other");
  }
  return {
    caCertFiles: values["tls-ca-cert-files"] ?? [],
    clientCertFile,
    clientKeyFile,
    serverName: values["tls-server-name"],
    insecure: values["tls-allow-insecure"] === true,
  };
}

function readBasicAuth(values: ServerFlagValues): ServerOptions["basicAuth"] {
  const username = values["basic-auth-username"];
  const password = values["basic-auth-password"];
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || password === undefined) {
    throw new UsageError("--basic-auth-username and --basic-auth-password need each other");
  }
  return { username, password };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function fromEnvironment(env: Io["env"]): ServerFlagValues {
  const values: Writable<Record<string, unknown>> = {};
  for (const { name, value } of CLIENT_FLAGS) {
    const variable = `HUBBLE_${name.toUpperCase().replaceAll("-", "_")}`;
    const text = env[variable] ?? "";
    if (text !== "") values[name] = readVariable(variable, value, text);
  }
  // The cast is true: each value was parsed according to the kind of its flag.
  return values as ServerFlagValues;
}

function readVariable(
  variable: string,
  kind: (typeof CLIENT_FLAGS)[number]["value"],
  text: string,
): string | boolean | number | readonly string[] {
  switch (kind) {
    case "string":
      return text;
    case "list":
      // Separated by white space, as in the library that Hubble uses to read its environment.
      return text.split(/\s+/).filter((part) => part !== "");
    case "boolean":
      return parsedOf(variable, parseBool(text));
    case "uint16":
      return Number(parsedOf(variable, parseUint(text, 0, 16)));
    case "duration":
      return Number(parsedOf(variable, parseDuration(text))) / 1e6;
  }
}

function parsedOf<T>(variable: string, parsed: { readonly value: T } | { readonly fault: string }): T {
  if ("fault" in parsed) throw new UsageError(`invalid ${variable}: ${parsed.fault}`);
  return parsed.value;
}
