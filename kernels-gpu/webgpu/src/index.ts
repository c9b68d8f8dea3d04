export { hardware as default, hardware, software } from './webgpu-backend.ts';
