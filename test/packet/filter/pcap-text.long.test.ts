// All shapes, of which `npm test` compiles one in 3.
import "./pcap-text.test.js";
