import { fieldError } from './config-section.ts';
import type { QuantizationArgs } from './quantization-args.ts';

/** Widths of floats: e2m1, e2m3 (since library 0.20), e4m3. */
const floatBits = [4, 6, 8];

const dynamicStrategies = ['token', 'tensor', 'group', 'tensor_group'];

/**
 * The combinations that the library rejects.
 * @throws ConfigError
 */
export function checkArgs(args: QuantizationArgs): void {
  const { type, numBits, strategy, groupSize, blockStructure, dynamic, grouped, section } = args;
  const has = (field: string) => (section.value[field] ?? null) !== null;
  if (type === 'float' && !floatBits.includes(numBits)) {
    throw fieldError(section, 'num_bits', `${floatBits.join(', ')}, the widths of floats`);
  }
  if (strategy === 'token' && dynamic === false) {
    throw fieldError(section, 'dynamic', 'true: scales per token cannot be stored');
  }
  const inGroups = strategy === 'group' || strategy === 'tensor_group';
  if (inGroups && groupSize === undefined) {
    throw fieldError(section, 'group_size', `a positive integer, as strategy ${strategy} needs`);
  }
  if (!inGroups && groupSize !== undefined) {
    throw fieldError(section, 'strategy', `group or tensor_group, as group_size ${groupSize} needs`);
  }
  if (strategy === 'block' && !blockStructure) {
    throw fieldError(section, 'block_structure', 'two positive integers, as strategy block needs');
  }
  if (strategy !== 'block' && blockStructure) {
    throw fieldError(section, 'strategy', 'block, as block_structure needs');
  }
  if (dynamic !== false && !dynamicStrategies.includes(strategy)) {
    throw fieldError(section, 'strategy', `one of ${dynamicStrategies.join(', ')}, as dynamic needs`);
  }
  if (dynamic === 'local' && strategy !== 'tensor_group') {
    throw fieldError(section, 'strategy', 'tensor_group, as dynamic "local" needs');
  }
  if (grouped && !inGroups) {
    throw fieldError(
      section,
      has('strategy') ? 'strategy' : 'actorder',
      'group or tensor_group, as actorder group needs',
    );
  }
}
