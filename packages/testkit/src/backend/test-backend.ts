import { describe } from 'vitest';
import { activationSuite } from './activation-suite.ts';
import { batchSuite } from './batch-suite.ts';
import { contractSuite } from './contract-suite.ts';
import { embeddingSuite } from './embedding-suite.ts';
import { linearSuite } from './linear-suite.ts';
import { operationSuite } from './operation-suite.ts';
import { phaseSuite } from './phase-suite.ts';
import { routingSuite } from './routing-suite.ts';
import { type BackendSuiteOptions, createSubject } from './subject.ts';
import { topSuite } from './top-suite.ts';

/**
 * Registers the suites that a backend must pass, in a file that vitest runs. Expected numbers come from plain arithmetic
 * on the stored numbers, not from another backend. What a backend refuses is skipped, with the reason; what `accepts`
 * lists must not be refused. Where the device is not there, everything that needs it is skipped, with the reason.
 */
export function testBackend(options: BackendSuiteOptions): void {
  const subject = createSubject(options);
  describe(`backend ${options.name}`, () => {
    contractSuite(subject);
    linearSuite(subject);
    activationSuite(subject);
    embeddingSuite(subject);
    operationSuite(subject);
    routingSuite(subject);
    phaseSuite(subject);
    batchSuite(subject);
    topSuite(subject);
  });
}
