// Runs each example in a process of its own, as a reader does.
import "./docs.test.js";
