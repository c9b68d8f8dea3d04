/** What the shell gets. Interruptions follow its own rule: 128 and the number of the signal. */
export const exitCodes = { success: 0, failure: 1, usage: 2, SIGINT: 130, SIGTERM: 143 } as const;
