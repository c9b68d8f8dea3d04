/** How a test that ran in a browser came out. */
export interface TestResult {
  /** `backend webgpu > routing > every token goes to every expert` */
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Why it failed, or was skipped. */
  readonly detail: string;
  /** Milliseconds. */
  readonly duration: number;
}
