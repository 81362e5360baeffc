import * as engine from "../../src/filter/cel-engine.js";
import { provideEngine } from "./lazy-cel-engine.js";

provideEngine(engine);
