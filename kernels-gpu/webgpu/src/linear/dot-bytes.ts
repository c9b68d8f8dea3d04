import type { WebgpuDevice } from '../device/webgpu-device.ts';

/** WGSL: the dot product of four signed bytes with four others. */
export function dotBytes({ packedDot }: WebgpuDevice): string {
  if (packedDot) return 'fn dotBytes(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }';
  return `
fn bytesOf(word: u32) -> vec4i {
  return bitcast<vec4i>(vec4u(word << 24u, word << 16u, word << 8u, word)) >> vec4u(24u);
}
fn dotBytes(a: u32, b: u32) -> i32 {
  let products = bytesOf(a) * bytesOf(b);
  return products.x + products.y + products.z + products.w;
}`;
}
