/** Rows that shaders count as `group.y + group.z * 32768`: WebGPU allows 65535 workgroups a dimension. */
export function splitRows(rows: number): readonly [y: number, z: number] {
  return [Math.min(rows, 32768), Math.ceil(rows / 32768)];
}
