// With larger packets than `npm test` reads.
import "./decode-damaged.test.js";
