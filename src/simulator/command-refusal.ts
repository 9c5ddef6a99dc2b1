/** Categories of a `!trap` [manual, "API", "!trap categories"]. */
export const TRAP = {
  missingItemOrCommand: 0,
  argumentValue: 1,
  interrupted: 2,
  general: 4,
} as const;

/** Thrown by a command to be answered as `!trap`; `message` is RouterOS' own wording. */
export class CommandRefusal extends Error {
  readonly category: number;

  constructor(category: number, message: string) {
    super(message);
    this.name = 'CommandRefusal';
    this.category = category;
  }
}
