// The full number of random scenarios.
import "./kept-packets.test.js";
