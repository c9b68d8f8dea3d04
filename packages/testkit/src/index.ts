export type { ActivationCase } from './backend/activation-cases.ts';
export type { BackendCase, BackendSuiteOptions } from './backend/subject.ts';
export { testBackend } from './backend/test-backend.ts';
export type { WeightCase } from './backend/weight-cases.ts';
export { type MadeUpBackendOptions, type MadeUpKernel, madeUpBackend, madeUpDevice } from './made-up-device.ts';
export { decoderModules } from './method/decoder-modules.ts';
export type { MethodFixture } from './method/method-fixture.ts';
export { type AcceptedConfig, type MethodSuite, type RejectedConfig, testMethod } from './method/test-method.ts';
export {
  memoryBytes,
  type SyntheticTensor,
  syntheticTensor,
  type TableForm,
  tensorReader,
} from './synthetic-tensor.ts';
export {
  type BlockedForm,
  type SyntheticWeight,
  type SyntheticWeightOptions,
  syntheticWeight,
} from './synthetic-weight.ts';
export { tolerances } from './tolerances.ts';
