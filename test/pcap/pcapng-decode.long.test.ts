// With larger packets than `npm test` reads.
import "./pcapng-decode.test.js";
