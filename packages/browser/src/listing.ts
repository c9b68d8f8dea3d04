import { isJsonObject } from '@lowbit/core';
import type { RemoteFile } from './remote-file.ts';
import { readSealed, writeSealed } from './sealed.ts';
import type { Store } from './store.ts';

/** What the store knows of a folder: enough to open it while nobody answers. */
export interface Listing {
  readonly url: string;
  readonly files: readonly RemoteFile[];
}

const name = 'listing.json';

/** Undefined where the folder was never opened, or its listing cannot be understood: it is then made again. */
export async function readListing(store: Store, folder: string): Promise<Listing | undefined> {
  const bytes = await readSealed(store, `${folder}/${name}`);
  if (!bytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isListing(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function writeListing(store: Store, folder: string, listing: Listing): Promise<void> {
  return writeSealed(store, `${folder}/${name}`, new TextEncoder().encode(JSON.stringify(listing)));
}

function isListing(value: unknown): value is Listing {
  return (
    isJsonObject(value) &&
    typeof value.url === 'string' &&
    Array.isArray(value.files) &&
    value.files.every((file) => isJsonObject(file) && typeof file.name === 'string' && typeof file.version === 'string')
  );
}
