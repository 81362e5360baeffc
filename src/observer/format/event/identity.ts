/** The reserved identities that v1.16.2 prints by name, by number. Identities from 11 on are printed as numbers. */
const RESERVED = [
  "(unknown)",
  "(host)",
  "(world)",
  "(unmanaged)",
  "(health)",
  "(init)",
  "(remote-node)",
  "(kube-apiserver)",
  "(ingress)",
  "(world-ipv4)",
  "(world-ipv6)",
] as const;

/** Formats a security identity: `(world)`, `(ID:1563)`. */
export function formatIdentity(identity: number): string {
  return RESERVED[identity] ?? `(ID:${identity})`;
}
