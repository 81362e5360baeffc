// Each example in a process of its own, those that compare speeds too.
import "./examples.test.js";
