// With more packets than `npm test` sends.
import "./beside-tcpdump.test.js";
