/** Completes a message about a view for which {@link isAttached} is false. */
export const DETACHED = "must not be a view of a buffer that was transferred or became too short";

/**
 * Whether the memory of a view is still there. A view of a buffer that was transferred, or of a resizable one that has
 * become too short, is empty like any empty view.
 */
export function isAttached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return true;
  try {
    bytes.at(0); // throws for such a view, and only for that
    return true;
  } catch {
    return false;
  }
}
