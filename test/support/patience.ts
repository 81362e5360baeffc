/**
 * Options of `vi.waitFor` for what happens at once on an idle machine. Only a failure needs this time: far more than
 * ten times what a slow machine needs.
 */
export const PATIENCE = { timeout: 120_000 } as const;
