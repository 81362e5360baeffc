// The full number of random rings.
import "./block-ring.test.js";
