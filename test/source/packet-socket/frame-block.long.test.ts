// The full number of random blocks.
import "./frame-block.test.js";
