// All pairs of filters, and as many flags as a command line may have.
import "./filters.test.js";
