// The longest list of filters.
import "./describe.test.js";
