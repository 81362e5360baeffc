import type { ExtraFlag } from "../../observer/flags/flag-values.js";
import { DEFAULT_RECORDER_LIMITS } from "../../recorder/service/limits.js";
import { CAPTURE_FLAGS, CAPTURE_GROUP } from "../flags/capture-flags.js";
import { HELP_FLAG, NODE_FLAG } from "../flags/common-flags.js";
import { FORMAT_FLAG, PRECISION_FLAG } from "../flags/format-flags.js";

/** Flag group headings of the help, in display order. */
export const SERVE_GROUPS: readonly string[] = [CAPTURE_GROUP, "Output", "Listening", "Access", "Limits"];

const { maxRecordings, maxCalls, maxFilters, maxMessageBytes, startTimeoutMs, readTimeoutMs } =
  DEFAULT_RECORDER_LIMITS;

/** Flags of `serve`: those for packets and files as in `record`, limits as named by a recorder service. */
export const SERVE_FLAGS = [
  ...CAPTURE_FLAGS,
  {
    name: "folder",
    shorthand: "w",
    value: "string",
    placeholder: "DIRECTORY",
    completion: "directory",
    group: "Output",
    help: "Write each recording to a new file in this directory, which is created if missing.",
  },
  { ...FORMAT_FLAG, default: "pcap", group: "Output", help: "Format of the captures." },
  {
    ...PRECISION_FLAG,
    default: "us in pcap, ns in pcapng",
    group: "Output",
    help: "Unit of the packet times.",
  },
  {
    ...NODE_FLAG,
    default: "the host name",
    group: "Output",
    help: "Name of the node, in file names and responses.",
  },
  {
    name: "listen",
    shorthand: "l",
    value: "string",
    placeholder: "ADDRESS",
    group: "Listening",
    help: "Listen on host:port (port 0 selects a free one) or unix:///path.",
  },
  {
    name: "socket-mode",
    value: "string",
    placeholder: "MODE",
    default: "0600",
    group: "Listening",
    help: "Permissions of the unix socket, in octal.",
  },
  {
    name: "tls-cert-file",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    group: "Listening",
    help: "Server certificate (PEM). Enables TLS and disables plain connections.",
  },
  {
    name: "tls-key-file",
    value: "string",
    placeholder: "FILE",
    completion: "file",
    group: "Listening",
    help: "Private key (PEM) of the server certificate.",
  },
  {
    name: "metrics-listen",
    value: "string",
    placeholder: "ADDRESS",
    group: "Listening",
    help: "Serve Prometheus metrics at http://host:port/metrics.",
  },
  {
    name: "health",
    value: "boolean",
    default: "true",
    group: "Listening",
    help: "Serve grpc.health.v1.",
  },
  {
    name: "reflection",
    value: "boolean",
    default: "true",
    group: "Listening",
    help: "Serve gRPC reflection.",
  },
  {
    name: "shutdown-timeout",
    value: "duration",
    placeholder: "DURATION",
    default: "10s",
    group: "Listening",
    help: "How long to wait for recordings to end after a signal.",
  },
  {
    name: "tls-client-ca-files",
    value: "list",
    placeholder: "FILE,...",
    completion: "file",
    group: "Access",
    help: "Accept only clients with a certificate of one of these CAs (PEM).",
  },
  {
    name: "allow-identity",
    value: "strings",
    placeholder: "NAME",
    group: "Access",
    help: "Accept only this DNS name, URI, email address or common name. Repeatable.",
  },
  {
    name: "allow-anyone",
    value: "boolean",
    group: "Access",
    help: "Accept any client that can connect, including from other machines.",
  },
  {
    name: "max-recordings",
    value: "uint64",
    placeholder: "N",
    default: String(maxRecordings),
    group: "Limits",
    help: "Maximum concurrent recordings.",
  },
  {
    name: "max-calls",
    value: "uint64",
    placeholder: "N",
    default: String(maxCalls),
    group: "Limits",
    help: "Maximum concurrent calls, including calls that have not started a recording.",
  },
  {
    name: "max-filters",
    value: "uint64",
    placeholder: "N",
    default: String(maxFilters),
    group: "Limits",
    help: "Maximum filters of a recording.",
  },
  {
    name: "max-message-bytes",
    value: "string",
    placeholder: "SIZE",
    default: `${maxMessageBytes / 1024}KiB`,
    group: "Limits",
    help: "Maximum size of a request.",
  },
  {
    name: "max-stored-bytes",
    value: "string",
    placeholder: "SIZE",
    default: "unlimited",
    group: "Limits",
    help: "Maximum size of all files in the directory; a recording that exceeds it fails.",
  },
  {
    name: "start-timeout",
    value: "duration",
    placeholder: "DURATION",
    default: `${startTimeoutMs / 1000}s`,
    group: "Limits",
    help: "How long a client may take to send its request.",
  },
  {
    name: "read-timeout",
    value: "duration",
    placeholder: "DURATION",
    default: `${readTimeoutMs / 60_000}m`,
    group: "Limits",
    help: "How long a client may leave a response unread.",
  },
  HELP_FLAG,
] as const satisfies readonly ExtraFlag[];
