import { testBackend } from '@lowbit/testkit';
import { native } from './native-backend.ts';

testBackend({ name: 'native', backend: native, accepts: 'everything', bitExactBatches: true });
