import type { ExtraFlag } from "../../observer/index.js";

/** The heading of {@link SERVER_FLAGS} in a help text. */
export const SERVER_GROUP = "Server";

/**
 * Flags for connecting to a Hubble server or Relay, as in the Hubble CLI. Each can also be set in the environment, as
 * `HUBBLE_SERVER`.
 */
export const SERVER_FLAGS = [
  {
    name: "server",
    value: "string",
    placeholder: "ADDRESS",
    group: SERVER_GROUP,
    help: "Ask this Hubble server or Relay: host:port, tls://host:port or unix:///path. HUBBLE_SERVER in the environment.",
  },
  {
    name: "timeout",
    value: "duration",
    placeholder: "DURATION",
    group: SERVER_GROUP,
    help: "How long to wait until the server answers for the first time; 5s by default.",
  },
  {
    name: "keepalive",
    value: "duration",
    placeholder: "DURATION",
    group: SERVER_GROUP,
    help: "Ping a server that has been silent for so long, 0 never; by default after 30s and then every 5m10s, as Hubble's servers accept.",
  },
  {
    name: "tls",
    value: "boolean",
    group: SERVER_GROUP,
    help: "Use TLS, as for addresses that begin with tls://.",
  },
  {
    name: "tls-ca-cert-files",
    value: "list",
    placeholder: "FILE,...",
    group: SERVER_GROUP,
    help: "Trust the authorities in these files (PEM) instead of the system's.",
  },
  {
    name: "tls-client-cert-file",
    value: "string",
    placeholder: "FILE",
    group: SERVER_GROUP,
    help: "The certificate (PEM) to show to the server.",
  },
  {
    name: "tls-client-key-file",
    value: "string",
    placeholder: "FILE",
    group: SERVER_GROUP,
    help: "The private key (PEM) of that certificate.",
  },
  {
    name: "tls-server-name",
    value: "string",
    placeholder: "NAME",
    group: SERVER_GROUP,
    help: "The name to expect in the server's certificate, such as instance.hubble-relay.cilium.io.",
  },
  {
    name: "tls-allow-insecure",
    value: "boolean",
    group: SERVER_GROUP,
    help: "Take any certificate. Whoever is between can then read and change everything.",
  },
  {
    name: "basic-auth-username",
    value: "string",
    placeholder: "NAME",
    group: SERVER_GROUP,
    help: "The user to log in as; over TLS or a unix socket only.",
  },
  {
    name: "basic-auth-password",
    value: "string",
    placeholder: "TEXT",
    group: SERVER_GROUP,
    help: "The password to log in with; better in HUBBLE_BASIC_AUTH_PASSWORD, where other users cannot see it.",
  },
] as const satisfies readonly ExtraFlag[];

/** Flags whose values are file names. */
export const SERVER_FILE_FLAGS: readonly string[] = [
  "tls-ca-cert-files",
  "tls-client-cert-file",
  "tls-client-key-file",
];
