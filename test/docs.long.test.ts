// Each example in a process of its own, as a reader runs it.
import "./docs.test.js";
