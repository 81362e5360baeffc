// Runs each example in a process of its own, including those that compare speeds.
import "./examples.test.js";
