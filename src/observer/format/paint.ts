/** Colors by meaning. */
export interface Paint {
  readonly host: Brush;
  /** Used inside {@link host}; the reset after the port also ends the host's color. */
  readonly port: Brush;
  readonly identity: Brush;
  readonly good: Brush;
  readonly bad: Brush;
  readonly notable: Brush;
}

export type Brush = (text: string) => string;

// https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters
const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const MAGENTA = 35;
const CYAN = 36;

export const COLORS: Paint = {
  host: brush(CYAN),
  port: brush(YELLOW),
  identity: brush(MAGENTA),
  good: brush(GREEN),
  bad: brush(RED),
  notable: brush(YELLOW),
};

export const NO_COLORS: Paint = {
  host: unpainted,
  port: unpainted,
  identity: unpainted,
  good: unpainted,
  bad: unpainted,
  notable: unpainted,
};

function brush(color: number): Brush {
  return (text) => `\x1b[${color}m${text}\x1b[0m`;
}

function unpainted(text: string): string {
  return text;
}
