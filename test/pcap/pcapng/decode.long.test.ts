// With larger packets than `npm test` reads.
import "./decode.test.js";
