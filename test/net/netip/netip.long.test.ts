// Runs all cases of the properties; `npm test` runs a sample.
import "./netip.test.js";
