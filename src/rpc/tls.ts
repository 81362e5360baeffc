import { readFile } from "node:fs/promises";
import type { SecureServerOptions } from "node:http2";
import { createSecureContext } from "node:tls";
import { isUint8Array } from "../bytes/is-uint8-array.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { OptionsError } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { messageOf } from "../errors/message.js";
import { aBoolean, aListOf, aString, required, type ValueCheck, valueCheck } from "../errors/value-checks.js";

/** PEM as a string or bytes. */
export type Pem = string | Buffer;

/** TLS settings of a server: its certificate, and the authorities for client certificates. */
export interface ServerTls {
  readonly cert: Pem;
  readonly key: Pem;
  /**
   * Authorities for client certificates. If set, every client must present a certificate, and its names are the
   * identities of the peer.
   */
  readonly clientCa?: readonly Pem[];
}

/** TLS settings of a client: the authorities that it trusts, and its certificate. */
export interface ClientTls {
  /** Authorities to trust instead of Node's default ones. */
  readonly ca?: readonly Pem[];
  /** The client's own certificate and key. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** Expected name in the server's certificate instead of the host name, such as `*.hubble-relay.cilium.io`. */
  readonly serverName?: string;
  /** Accepts any server certificate, which allows man-in-the-middle attacks; default false. */
  readonly insecure?: boolean;
}

const aPem: ValueCheck<Pem> = valueCheck(
  "PEM as a string or bytes",
  (value) => typeof value === "string" || isUint8Array(value),
);

/** The checks of {@link ServerTls}. */
export const SERVER_TLS: OptionTable<ServerTls> = {
  cert: required(aPem),
  key: required(aPem),
  clientCa: aListOf(aPem),
};

/** The checks of {@link ClientTls}. */
export const CLIENT_TLS: OptionTable<ClientTls> = {
  ca: aListOf(aPem),
  cert: aPem,
  key: aPem,
  serverName: aString,
  insecure: aBoolean,
};

/** Paths of PEM files, for {@link readServerTls}. */
export interface ServerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFiles?: readonly string[];
}

const SERVER_FILES: OptionTable<ServerTlsFiles> = {
  certFile: required(aString),
  keyFile: required(aString),
  clientCaFiles: aListOf(aString),
};

/** Reads {@link ServerTls} from files. @throws OptionsError; the system error if a file cannot be read. */
export async function readServerTls(files: ServerTlsFiles): Promise<ServerTls> {
  checkOptions("readServerTls", files, SERVER_FILES);
  const { certFile, keyFile, clientCaFiles = [] } = files;
  const [cert, key, clientCa] = await Promise.all([
    readFile(certFile),
    readFile(keyFile),
    Promise.all(clientCaFiles.map((path) => readFile(path))),
  ]);
  return { cert, key, ...(clientCa.length > 0 && { clientCa }) };
}

/** Paths of PEM files, for {@link readClientTls}. */
export interface ClientTlsFiles {
  readonly caCertFiles?: readonly string[];
  readonly clientCertFile?: string;
  readonly clientKeyFile?: string;
}

const CLIENT_FILES: OptionTable<ClientTlsFiles> = {
  caCertFiles: aListOf(aString),
  clientCertFile: aString,
  clientKeyFile: aString,
};

/**
 * Reads {@link ClientTls} from files, named like the flags of the Hubble CLI.
 *
 * @throws OptionsError; the system error if a file cannot be read.
 */
export async function readClientTls(files: ClientTlsFiles): Promise<Pick<ClientTls, "ca" | "cert" | "key">> {
  checkOptions("readClientTls", files, CLIENT_FILES);
  const { caCertFiles = [], clientCertFile, clientKeyFile } = files;
  const [ca, cert, key] = await Promise.all([
    Promise.all(caCertFiles.map((path) => readFile(path))),
    clientCertFile === undefined ? undefined : readFile(clientCertFile),
    clientKeyFile === undefined ? undefined : readFile(clientKeyFile),
  ]);
  return {
    ...(ca.length > 0 && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/**
 * TLS 1.3 only, like Hubble's servers. With `clientCa`, clients without a valid certificate are rejected.
 *
 * @throws OptionsError for PEM that OpenSSL rejects.
 */
export function serverTlsOptions({ cert, key, clientCa }: ServerTls): SecureServerOptions {
  const options: SecureServerOptions = {
    cert: pem(cert),
    key: pem(key),
    minVersion: "TLSv1.3",
    ...(clientCa !== undefined && { ca: clientCa.map(pem), requestCert: true, rejectUnauthorized: true }),
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new OptionsError([issueOf("tls", `invalid certificate, key or CA (PEM): ${messageOf(cause)}`)]);
  }
  return options;
}

function pem(text: Pem): string {
  return text.toString();
}
