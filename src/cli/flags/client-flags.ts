import type { ExtraFlag } from "../../observer/flags/flag-values.js";

/** The heading of {@link CLIENT_FLAGS} in a help text. */
export const CLIENT_GROUP = "Server";

/**
 * Flags for connecting to a Hubble server or Relay, as in the Hubble CLI. Each can also be set in the environment, as
 * `HUBBLE_SERVER`.
 */
export const CLIENT_FLAGS = [
  {
    name: "server",
    value: "string",
    placeholder: "ADDRESS",
    group: CLIENT_GROUP,
    help: "Hubble server or Relay: host:port, tls://host:port or unix:///path.",
  },
  {
    name: "timeout",
    value: "duration",
    placeholder: "DURATION",
    default: "5s",
    group: CLIENT_GROUP,
    help: "How long to wait for the first response of the server.",
  },
  {
    name: "request-timeout",
    value: "duration",
    placeholder: "DURATION",
    default: "that of --timeout",
    group: CLIENT_GROUP,
    help: "How long to wait for the status of the server.",
  },
  {
    name: "port-forward",
    shorthand: "P",
    value: "boolean",
    group: CLIENT_GROUP,
    help: "Connect to Relay in Kubernetes, through kubectl port-forward, instead of --server.",
  },
  {
    name: "port-forward-port",
    value: "uint16",
    placeholder: "PORT",
    default: "4245",
    group: CLIENT_GROUP,
    help: "Local port for --port-forward; 0 is a free one.",
  },
  {
    name: "kube-context",
    value: "string",
    placeholder: "NAME",
    default: "the current one",
    group: CLIENT_GROUP,
    help: "Context of the kubeconfig for --port-forward.",
  },
  {
    name: "kube-namespace",
    value: "string",
    placeholder: "NAME",
    default: "kube-system",
    group: CLIENT_GROUP,
    help: "Namespace of Relay for --port-forward.",
  },
  {
    name: "kubeconfig",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    default: "that of kubectl",
    group: CLIENT_GROUP,
    help: "Kubeconfig for --port-forward.",
  },
  {
    name: "keepalive",
    value: "duration",
    placeholder: "DURATION",
    default: "30s, then every 5m10s",
    group: CLIENT_GROUP,
    help: "Ping a server that was silent for this time; 0 disables pings.",
  },
  {
    name: "tls",
    value: "boolean",
    group: CLIENT_GROUP,
    help: "Use TLS, as for addresses that start with tls://.",
  },
  {
    name: "tls-ca-cert-files",
    value: "list",
    placeholder: "FILE,...",
    completion: "file",
    default: "the system's CAs",
    group: CLIENT_GROUP,
    help: "Trust the CA certificates (PEM) in these files.",
  },
  {
    name: "tls-client-cert-file",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    group: CLIENT_GROUP,
    help: "Client certificate (PEM).",
  },
  {
    name: "tls-client-key-file",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    group: CLIENT_GROUP,
    help: "Private key (PEM) of the client certificate.",
  },
  {
    name: "tls-server-name",
    value: "string",
    placeholder: "NAME",
    group: CLIENT_GROUP,
    help: "Expected name in the server certificate, such as instance.hubble-relay.cilium.io.",
  },
  {
    name: "tls-allow-insecure",
    value: "boolean",
    group: CLIENT_GROUP,
    help: "Accept any server certificate. Insecure: the connection can be read and changed.",
  },
  {
    name: "basic-auth-username",
    value: "string",
    placeholder: "NAME",
    group: CLIENT_GROUP,
    help: "User name for basic authentication; requires TLS or a unix socket.",
  },
  {
    name: "basic-auth-password",
    value: "string",
    placeholder: "PASSWORD",
    group: CLIENT_GROUP,
    help: "Password. Other users can see it; HUBBLE_BASIC_AUTH_PASSWORD is safer.",
  },
] as const satisfies readonly ExtraFlag[];
