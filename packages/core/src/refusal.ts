/** A "no" with its reason. */
export interface Refusal {
  /** Who declines: a kernel, a backend, a method. */
  readonly by: string;
  /** Stable, upper case: `GROUP_SIZE`, `NO_DEVICE`. */
  readonly code: string;
  /** The reason with its numbers: "group size 32, needs a multiple of 128". */
  readonly message: string;
  /** What would turn it into a yes. */
  readonly hint?: string;
}

export function formatRefusal({ by, message, hint }: Refusal): string {
  return `${by}: ${message}${hint ? ` (${hint})` : ''}`;
}
