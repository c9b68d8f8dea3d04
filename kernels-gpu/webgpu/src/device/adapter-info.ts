/// <reference types="@webgpu/types" />

/** Drivers that compute on the processor say so, or are known by their names. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(describeAdapter(info));
}

/** For people. Browsers tell little. */
export function describeAdapter({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [...new Set([description || device, vendor, architecture])].filter((part) => part !== '').join(', ') || 'GPU';
}

/** What matters for the choice of an adapter. */
export function adapterFacts(
  { wgslLanguageFeatures }: GPU,
  { info, features, limits }: GPUAdapter,
): Readonly<Record<string, string>> {
  const has = (name: string, present: boolean) => (present ? name : `no ${name}`);
  const bytes = (count: number) => (count >= 2 ** 20 ? `${Math.floor(count / 2 ** 20)} MiB` : `${count / 2 ** 10} KiB`);
  return {
    vendor: info.vendor || 'unknown',
    architecture: info.architecture || 'unknown',
    driver: info.description || 'unknown',
    features: [
      has('shader-f16', features.has('shader-f16')),
      has('subgroups', features.has('subgroups')),
      has('packed dot products', wgslLanguageFeatures?.has('packed_4x8_integer_dot_product') ?? false),
    ].join(', '),
    limits: [
      `${bytes(limits.maxStorageBufferBindingSize)} a binding`,
      `${bytes(limits.maxComputeWorkgroupStorageSize)} of workgroup memory`,
      `${limits.maxComputeInvocationsPerWorkgroup} invocations`,
    ].join(', '),
  };
}
