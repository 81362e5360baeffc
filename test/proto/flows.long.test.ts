// Runs all recorded flows, and all cases of the properties.
import "./flows.test.js";
