import fc from "fast-check";

// Under CI every run asks the same questions, so that a change fails for what it changed; elsewhere each asks new ones.
if (process.env.CI !== undefined) fc.configureGlobal({ seed: 20_261_122 });
