// All filters and packets, of which `npm test` takes a part.
import "./tcpdump.test.js";
