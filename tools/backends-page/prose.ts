/** What docs/backends.md says of each package beside what its kernels answer. */
export const descriptions: Readonly<Record<string, string>> = {
  '@lowbit/kernels-cpu': `C++ behind Node-API.

- **Needs** Node 20.19 or later on Linux. x86-64 with AVX2 or more, arm64, or any processor that its plain C++ is compiled for.
- **Install**: \`npm install @lowbit/kernels-cpu\`, which takes the compiled addon for the system along; none has been published so far. In this repository \`pnpm build\`
  compiles it where CMake (3.16) and a C++17 compiler are. Then \`--device cpu\` means it.
- **Memory**: packed codes, close to the size of the file; checkpoint files are mapped.
- **Tested** by the conformance suites, the recorded runs of all formats' checkpoints, and two C++ programs that compare every instruction set of the machine with plain
  C++ and with f64; with address and undefined-behaviour sanitizers.
- **Never on hardware**: AMX and the AVX-VNNI of client processors; arm64 has run in an emulator only, and its prebuilt package has not been packed. Never built on macOS and
  Windows.`,
  '@lowbit/kernels-cpu-reference': `Plain TypeScript: the most obvious way to compute each operation, which the others are compared with.

- **Needs** anything that runs JavaScript: Node 20.19 or later, browsers.
- **Install**: \`npm install @lowbit/kernels-cpu-reference\`. \`--device cpu\` means it where nothing faster runs, and says so; \`--device cpu:reference\` always.
- **Memory**: 4 bytes a weight, 4 bytes a number of the KV cache.
- **Tested** against numbers recorded from each format's own library and from other implementations of the models; by the conformance suites.
- **Never on hardware**: nothing in it depends on the processor. Node on Linux, and Chromium, are where it has run.`,
  '@lowbit/kernels-webgpu': `WGSL on GPUs. \`webgpu:software\` is the same on a driver that computes on the processor, for tests: it is taken by its name only.

- **Needs** in Node the package \`webgpu\` (Dawn) and the GPU vendor's driver, on Linux with Vulkan and its loader (\`libvulkan1\`); in a browser \`navigator.gpu\`. The limits of the
  weakest WebGPU device are enough; of the optional features none has to be there.
- **Install**: \`npm install @lowbit/kernels-webgpu webgpu\`; \`--device webgpu\` then means the GPU that the system thinks fast, \`--device webgpu:hardware:H100\` the one with that in
  its name, \`webgpu:hardware:low-power\` the one that saves power. \`lowbit doctor\` lists them with features and limits. [examples/node-gpu](../examples/node-gpu) shows it in Node,
  [examples/browser](../examples/browser) in a browser.
- **Memory**: packed codes with their scales, and buffers for batches of at most 512 tokens. WebGPU does not tell how much there is: \`--memory-limit 6GiB\` refuses before loading
  what needs more by the plan; without a limit, the buffer for which there is no room is named. A lost device ends running requests with an error; opening the model
  again opens a device again.
- **Tested** by the conformance suites and recorded runs on SwiftShader, a driver in software, in Node and in Chromium; with a hundred models opened and closed, and devices lost.
- **Never on hardware**, but for one NVIDIA H100 under Linux (Dawn on Vulkan): no GPU of AMD, Intel or Apple, no GPU in a browser, nothing on Windows or macOS.`,
};
