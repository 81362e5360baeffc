import fc from "fast-check";

// In CI every run has the same random inputs, so that failures are due to the change; elsewhere each run has new ones.
if (process.env.CI !== undefined) fc.configureGlobal({ seed: 20_261_122 });
