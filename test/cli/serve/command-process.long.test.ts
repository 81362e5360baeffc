// With the recordings beside tcpdump, which `npm test` leaves out.
import "./command-process.test.js";
