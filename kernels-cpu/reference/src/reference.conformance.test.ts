import { testBackend } from '@lowbit/testkit';
import { reference } from './reference-backend.ts';

testBackend({ name: 'reference', backend: reference, accepts: 'everything', bitExactBatches: true });
