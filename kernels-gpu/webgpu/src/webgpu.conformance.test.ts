import { testBackend } from '@lowbit/testkit';
import { software } from './webgpu-backend.ts';

testBackend({ name: 'webgpu', backend: software, accepts: 'everything' });
