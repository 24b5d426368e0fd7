import type { Parsed } from '../domain/parsed.ts';
import { isRefused } from '../domain/parsed.ts';
import { isPlaceholderOf, parsePlaceholder } from './placeholder.ts';

/** Gives the placeholder of a secret; `name` says of which. */
export type StandFor = (name: string, secret: string) => Parsed<string>;

/** Placeholders by name, as they are kept for a sandbox. */
export interface KeptPlaceholders {
  readonly read: () => Readonly<Record<string, string>>;
  readonly write: (all: Readonly<Record<string, string>>) => void;
}

/**
 * The placeholders of a sandbox: its runs, beside each other and one after the other, share a HOME in which files hold them, and clients remember
 * them. Drawn anew where the kept one does not have the secret's form.
 */
export const openPlaceholders =
  ({ read, write }: KeptPlaceholders): StandFor =>
  (name, secret) => {
    const kept = read();
    const own = Object.hasOwn(kept, name) ? kept[name] : undefined;
    if (own !== undefined && isPlaceholderOf(own, secret)) return { value: own };
    const drawn = parsePlaceholder(secret);
    if (!isRefused(drawn)) write({ ...kept, [name]: drawn.value });
    return drawn;
  };
