/**
 * Options of `vi.waitFor` for what comes at once on any machine that is not busy. Only a failure takes so long: far more than
 * ten times what a slow machine needs.
 */
export const PATIENCE = { timeout: 120_000 } as const;
