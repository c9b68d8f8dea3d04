import { refusedSparsity } from './compressed-tensors-format.ts';
import { names, oneOf, readField, readSection, type Section, text, unknownFields } from './config-section.ts';

const formats = oneOf(['dense', 'sparse-bitmask', 'sparse-24-bitmask']);
const known = ['format', 'targets', 'ignore', 'global_sparsity', 'sparsity_structure', 'registry_requires_subclass'];

/**
 * `sparsity_config` of library versions before 0.15. `dense`: the zeros are stored like other numbers.
 * @throws RefusedError for compressed zeros; ConfigError
 */
export function checkSparsity(config: Section, warnings: string[]): void {
  const sparsity = readSection(config, 'sparsity_config');
  if (!sparsity) return;
  warnings.push(...unknownFields(sparsity, known));
  readField(sparsity, 'targets', names);
  readField(sparsity, 'ignore', names);
  readField(sparsity, 'sparsity_structure', text);
  const format = readField(sparsity, 'format', formats) ?? 'dense';
  if (format !== 'dense') throw refusedSparsity(`${sparsity.file}: ${sparsity.path}.format`, format);
}
