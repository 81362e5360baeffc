// All recorded flows, and all runs of the properties.
import "./flows.test.js";
