// Runs all pairs of filters, and the maximum number of flags of a command line.
import "./filters.test.js";
