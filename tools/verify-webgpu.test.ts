import { verifyFixtures } from './verify-webgpu.ts';

await verifyFixtures('quick');
