import { readFile } from "node:fs/promises";
import type { SecureServerOptions } from "node:http2";

/** PEM, as text or bytes. */
export type Pem = string | Buffer;

/** TLS of a server: who it is, and whose clients it takes. */
export interface ServerTls {
  readonly cert: Pem;
  readonly key: Pem;
  /** Authorities for client certificates; with them every client has to show one, and its names are the peer's identities. */
  readonly clientCa?: readonly Pem[];
}

/** TLS of a client: whom it trusts, and who it is. */
export interface ClientTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: readonly Pem[];
  /** The client's own certificate and key. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** The name to expect in the server's certificate, instead of the host's: such as `*.hubble-relay.cilium.io`. */
  readonly serverName?: string;
  /** Takes any certificate. Whoever is between can then read and change everything. */
  readonly insecure?: boolean;
}

/** Reads what {@link ServerTls} holds from files. */
export async function readServerTls(files: {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFiles?: readonly string[];
}): Promise<ServerTls> {
  const { certFile, keyFile, clientCaFiles = [] } = files;
  const [cert, key, clientCa] = await Promise.all([
    readFile(certFile),
    readFile(keyFile),
    Promise.all(clientCaFiles.map((path) => readFile(path))),
  ]);
  return { cert, key, ...(clientCa.length > 0 && { clientCa }) };
}

/** Reads what {@link ClientTls} holds from files, named as by the flags of the Hubble CLI. */
export async function readClientTls(files: {
  readonly caCertFiles?: readonly string[];
  readonly clientCertFile?: string;
  readonly clientKeyFile?: string;
}): Promise<Pick<ClientTls, "ca" | "cert" | "key">> {
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

/** TLS 1.3 only, as Hubble's servers; a client without a good certificate gets no connection when one is asked for. */
export function serverTlsOptions({ cert, key, clientCa }: ServerTls): SecureServerOptions {
  return {
    cert: pem(cert),
    key: pem(key),
    minVersion: "TLSv1.3",
    ...(clientCa !== undefined && { ca: clientCa.map(pem), requestCert: true, rejectUnauthorized: true }),
  };
}

function pem(text: Pem): string {
  return text.toString();
}
