export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly name?: string | undefined;
}

export interface ChatOptions {
  /** Ends the prompt where the answer begins. Default true. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** More variables for the template. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}
