// With the recordings beside tcpdump, which `npm test` leaves out.
import "./serve-process.test.js";
